"""Explicit int8: quantise and dequantise around the products of the blocks, set on real audio.

Weights have a scale for each output, activations one for each tensor, both symmetric, as TensorRT
takes them. The patch projection, LayerNorm, the products of attention, softmax and the head stay
in float32: they are small, and what they round decides.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.backends.onnxruntime import INPUT_NAME
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from engine.types import Float32
from training.evaluation.scored import score_stream
from training.evaluation.streams import Stream

_WINDOWS = 512
# Ranges of fewer would be those of a few words.
_FEWEST_WINDOWS = 100
_BATCH = 16


def calibration_windows(manifest: ModelManifest, streams: Sequence[Stream]) -> Float32:
    """Model inputs spread evenly over some streams.

    Args:
        manifest: Tells features, window and hop.
        streams: Of a split that nothing is measured on.

    Returns:
        Shape [n, frames, mels], about 512 where there is that much.

    Raises:
        ConfigError: There are too few to know the range of anything.
    """
    total = sum(len(stream.samples) for stream in streams) // manifest.windows.hop_samples
    keeper = _Keeper(max(1, total // _WINDOWS), len(manifest.labels))
    for stream in streams:
        score_stream(manifest, keeper, stream)
    if len(keeper.kept) < _FEWEST_WINDOWS:
        raise ConfigError(
            f"the train split gives {len(keeper.kept)} windows to set int8's ranges on; it takes "
            f"at least {_FEWEST_WINDOWS}: give more recordings, or take --precision fp16"
        )
    return np.array(keeper.kept)


def quantize(source: Path, path: Path, windows: Float32) -> None:
    """Write a float32 model of ours in int8.

    Args:
        source: ONNX file.
        path: ONNX file to write.
        windows: Model inputs that set the ranges, [n, frames, mels].
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with _quiet():
        quantize_static(
            str(source),
            str(path),
            _Reader(windows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=block_products(source),
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QInt8,
            extra_options={
                "ActivationSymmetric": True,
                "WeightSymmetric": True,
                "OpTypesToExcludeOutputQuantization": ["MatMul"],
            },
        )


def block_products(path: Path) -> list[str]:
    """Names of the products with weights in the blocks: all but the patch projection, the first."""
    import onnx

    graph: Any = onnx.load(path).graph
    weights = {weight.name for weight in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMul"]
    return [node.name for node in products if node.input[1] in weights][1:]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without ONNX Runtime's advice, which goes to the root logger and sets one up."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class _Keeper:
    """A backend that keeps every so many inputs and decides nothing."""

    name = "none"

    def __init__(self, every: int, n_labels: int) -> None:
        self.kept: list[Float32] = []
        self._every = every
        self._n_labels = n_labels
        self._seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def infer(self, model_inputs: Float32) -> Float32:
        if self._seen % self._every == 0:
            self.kept.append(model_inputs[0].copy())
        self._seen += 1
        return np.zeros((1, self._n_labels), np.float32)


class _Reader:
    """Hands windows over in batches, as ONNX Runtime asks for them."""

    def __init__(self, windows: Float32) -> None:
        starts = range(0, len(windows), _BATCH)
        self._batches = iter([windows[start : start + _BATCH] for start in starts])

    def get_next(self) -> dict[str, Float32] | None:
        batch = next(self._batches, None)
        return None if batch is None else {INPUT_NAME: batch}
