"""Exports a trained model to a model folder, checked against torch."""

from __future__ import annotations

import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.backends.onnxruntime import INPUT_NAME, OUTPUT_NAME, CpuBackend
from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.errors import ModelError
from engine.manifest import (
    MANIFEST_FILE,
    MODEL_FILE,
    ModelManifest,
    file_sha256,
    load_manifest,
    manifest_to_json,
)
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.checkpoint import load_checkpoint

MAX_LOGIT_DIFFERENCE = 1e-3
_PARITY_WINDOWS = 64


def load_trained(run: Path) -> tuple[AudioSpectrogramTransformer, dict[str, Any]]:
    """The averaged model of a run, ready to score, and its checkpoint.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    state = load_checkpoint(run / "last.pt")
    model = AudioSpectrogramTransformer(AstConfig(**state["model"])).eval()
    model.load_state_dict(state["averaged_weights"])
    return model, state


def export_model(
    run: Path,
    folder: Path,
    *,
    name: str,
    threshold: float,
    smoothing_windows: int,
    provenance: dict[str, Any],
) -> float:
    """Write a model folder.

    Args:
        run: Folder of the training run.
        folder: Model folder to write.
        name: Name in the manifest.
        threshold: Threshold of every keyword; half of it re-arms.
        smoothing_windows: Windows to average.
        provenance: Goes into the manifest beside the training settings.

    Returns:
        Largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ModelError: The exported model differs from the trained one.
    """
    model, state = load_trained(run)
    fbank = FbankConfig(**state["fbank"])
    folder.mkdir(parents=True, exist_ok=True)
    _write_onnx(model, fbank, folder / MODEL_FILE)
    background = tuple(label for label in state["labels"] if label.startswith("_"))
    point = OperatingPoint(threshold=threshold, rearm_threshold=threshold / 2)
    keywords = [label for label in state["labels"] if label not in background]
    manifest = ModelManifest(
        name=name,
        labels=tuple(state["labels"]),
        background_labels=background,
        activation="softmax",
        normalization="outside",
        fbank=fbank,
        windows=WindowConfig(),
        decision=DecisionConfig(
            smoothing_windows=smoothing_windows,
            operating_points=dict.fromkeys(keywords, point),
        ),
        files={MODEL_FILE: file_sha256(folder / MODEL_FILE)},
        provenance={
            "training": {key: state[key] for key in ("model", "fit", "scene", "step", "trained_s")},
            "parameters": sum(p.numel() for p in model.parameters()),
            **provenance,
        },
    )
    (folder / MANIFEST_FILE).write_text(manifest_to_json(manifest))
    difference = parity(model, folder)
    provenance = {**manifest.provenance, "parity_max_logit_difference": difference}
    (folder / MANIFEST_FILE).write_text(manifest_to_json(replace(manifest, provenance=provenance)))
    return difference


def _write_onnx(model: AudioSpectrogramTransformer, fbank: FbankConfig, path: Path) -> None:
    # torch's exporter warns of its own deprecated calls and of packages that we do not use.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.onnx.export(
            model,
            (torch.zeros(2, fbank.target_frames, fbank.n_mels),),
            str(path),
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=1024)},),
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def parity(model: AudioSpectrogramTransformer, folder: Path) -> float:
    """Largest logit difference between torch and ONNX Runtime on random model inputs.

    Raises:
        ModelError: It is above MAX_LOGIT_DIFFERENCE.
    """
    manifest = load_manifest(folder)
    rng = np.random.default_rng(0)
    shape = (_PARITY_WINDOWS, manifest.fbank.target_frames, manifest.fbank.n_mels)
    inputs = rng.normal(0, 0.5, shape).astype(np.float32)
    with CpuBackend(manifest) as backend, torch.no_grad():
        exported = np.concatenate([backend.infer(part[None]) for part in inputs])
        trained = model(torch.from_numpy(inputs)).numpy()
    difference = float(np.abs(exported - trained).max())
    if not difference <= MAX_LOGIT_DIFFERENCE:
        raise ModelError(
            f"exported logits differ from torch's by up to {difference:.2e}; at most "
            f"{MAX_LOGIT_DIFFERENCE:.0e} is accepted"
        )
    return difference
