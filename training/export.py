"""Exports a trained run to a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from training.checkpoint import load_run
from training.model_folder import ModelCard, write_model_folder
from training.start import open_start
from training.task import Task
from training.weights import build_model


def export_model(
    run: Path,
    folder: Path,
    *,
    name: str,
    threshold: float,
    smoothing_windows: int,
    provenance: dict[str, Any] | None = None,
) -> float:
    """Write a model folder.

    Args:
        run: Folder of the training run; its averaged or best weights are taken, as it was told.
        folder: Model folder to write.
        name: Name in the manifest.
        threshold: Threshold of every keyword; half of it re-arms.
        smoothing_windows: Windows to average.
        provenance: Goes into the manifest beside the training settings.

    Returns:
        Largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ModelError: There is no whole checkpoint, or the exported model differs from the trained.
    """
    state = load_run(run)
    model = build_model(open_start(str(run)).weights, str(run))
    task = Task.from_dict(state)
    settings = {key: state[key] for key in ("model", "fit", "augment", "step", "trained_s")}
    card = ModelCard(
        name=name,
        labels=task.labels,
        activation=task.activation,
        fbank=task.fbank,
        windows=task.windows,
        threshold=threshold,
        smoothing_windows=smoothing_windows,
        provenance={
            "training": settings,
            "parameters": sum(p.numel() for p in model.parameters()),
            **state["provenance"],
            **(provenance or {}),
        },
    )
    return write_model_folder(folder, model, card)
