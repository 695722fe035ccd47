"""One model from several of the same shape: the mean of their weights.

Models that were trained further from one another lie in one valley, and the mean of their weights
often hears better than any of them, at no cost (Wortsman et al. 2022, Model soups).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.manifest import ModelManifest, load_manifest
from training.model_folder import ModelCard, write_model_folder
from training.weights import WEIGHTS_FILE, build_model, read_weights


def average_models(folders: Sequence[Path], out: Path, *, name: str) -> float:
    """Write a model folder with the mean of several models' weights.

    Args:
        folders: Model folders of one shape, with the same labels and features; provenance,
            smoothing and, for all keywords, the highest threshold are the first one's.
        out: Folder to write.
        name: Name in the manifest.

    Returns:
        Largest difference between torch's logits and ONNX Runtime's.

    Raises:
        ConfigError: There are fewer than two models, or they differ in more than weights.
        ModelError: A model is refused.
    """
    if len(folders) < 2:
        raise ConfigError(f"{len(folders)} model(s) given; an average takes two or more")
    manifests = [load_manifest(folder) for folder in folders]
    _require_alike(manifests)
    weights = [read_weights(folder / WEIGHTS_FILE) for folder in folders]
    model = build_model(weights[0], str(folders[0]))
    for folder, other in zip(folders[1:], weights[1:], strict=True):
        if other.config != weights[0].config:
            raise ConfigError(
                f"{folder} has another shape than {folders[0]}; they can't be averaged"
            )
    model.load_state_dict(
        {
            key: sum(other.tensors[key] for other in weights) / len(weights)
            for key in weights[0].tensors
        }
    )
    first = manifests[0]
    points = first.decision.operating_points.values()
    card = ModelCard(
        name=name,
        labels=first.labels,
        activation=first.activation,
        fbank=first.fbank,
        windows=first.windows,
        threshold=max(point.threshold for point in points),
        smoothing_windows=first.decision.smoothing_windows,
        provenance={**_described(first), "average_of": [_described(m) for m in manifests]},
    )
    return write_model_folder(out, model, card)


def _require_alike(manifests: Sequence[ModelManifest]) -> None:
    first = manifests[0]
    for other in manifests[1:]:
        for field in ("labels", "activation", "normalization", "fbank", "windows"):
            if getattr(other, field) != getattr(first, field):
                raise ConfigError(
                    f"{other.folder} has other {field} than {first.folder}; they can't be averaged"
                )


def _described(manifest: ModelManifest) -> dict[str, Any]:
    """Where a model comes from, without what was measured of it."""
    left_out = ("measured", "calibration", "parity_max_logit_difference")
    kept = {key: value for key, value in manifest.provenance.items() if key not in left_out}
    return {**kept, "sha256": manifest.model_sha256}
