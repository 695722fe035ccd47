"""Exports a trained run to a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.config import FbankConfig, WindowConfig
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.checkpoint import load_checkpoint
from training.model_folder import ModelCard, write_model_folder


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
    card = ModelCard(
        name=name,
        labels=state["labels"],
        activation="softmax",
        fbank=FbankConfig(**state["fbank"]),
        windows=WindowConfig(),
        threshold=threshold,
        smoothing_windows=smoothing_windows,
        provenance={
            "training": {key: state[key] for key in ("model", "fit", "scene", "step", "trained_s")},
            "parameters": sum(p.numel() for p in model.parameters()),
            **provenance,
        },
    )
    return write_model_folder(folder, model, card)
