"""Compares a backend with ONNX Runtime before it is trusted with a stream."""

from __future__ import annotations

import numpy as np

from engine.backends.onnxruntime import CpuBackend
from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.types import Float32

# Largest accepted logit difference by what a model computes in. The gate of an export allows the
# means of thousands of windows; these few only have to tell a wrong program from a rounded one.
LIMITS = {"fp32": 0.01, "fp16": 0.15, "bf16": 0.8, "int8": 1.0}
_N_INPUTS = 8


def self_test_inputs(manifest: ModelManifest) -> Float32:
    """Fixed model inputs, [n, frames, mels]: noise whose loudness rises and falls like speech."""
    fbank = manifest.fbank
    rng = np.random.default_rng(7)
    shape = (_N_INPUTS, fbank.target_frames, fbank.n_mels)
    envelope = np.sin(np.linspace(0, np.pi, fbank.target_frames))[None, :, None]
    inputs = 0.6 * rng.standard_normal(shape) + rng.uniform(-1, 1, (_N_INPUTS, 1, 1)) * envelope
    return inputs.astype(np.float32)


def expected_logits(manifest: ModelManifest, model: bytes) -> Float32:
    """What ONNX Runtime makes of the inputs on the CPU, for a model that it can run."""
    inputs = self_test_inputs(manifest)
    with CpuBackend(manifest, model) as reference:
        return np.concatenate([reference.infer(one[None]) for one in inputs])


def check_against(expected: Float32, found: Float32, precision: str, name: str) -> float:
    """Largest logit difference.

    Raises:
        BackendError: It is above the precision's limit, or no number.
    """
    difference = float(np.abs(found - expected).max())
    if not difference <= LIMITS[precision]:
        raise BackendError(
            f"{name} failed its self-test: its logits differ from ONNX Runtime's by up to "
            f"{difference:.3g}, at most {LIMITS[precision]} is accepted for {precision}"
        )
    return difference
