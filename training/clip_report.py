"""Figures of models on labelled clips, through the features and the backend that ship."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.backends import choose_backend
from engine.errors import ConfigError, SourceError
from engine.features import fbank, model_input
from engine.manifest import ModelManifest, load_manifest
from engine.scorer import posteriors_of
from engine.types import Float32
from training.data.clip_source import ClipItem, as_window
from training.evaluation.intervals import wilson_interval
from training.progress import ProgressReport
from training.scores import (
    accuracy,
    confusion_matrix,
    d_prime,
    mean_area_under_roc,
    mean_average_precision,
    precision_and_recall,
)

_CONFUSIONS = 10


@dataclass(frozen=True, kw_only=True)
class ClipReport:
    """What was measured.

    Attributes:
        models: Names with the heads of their hashes.
        labels: In the order of the columns.
        scores: Mean posteriors, [n, n_labels].
        targets: 0 and 1, [n, n_labels].
        left_out: A line for each clip that could not be read.
    """

    models: Sequence[str]
    labels: Sequence[str]
    scores: Float32
    targets: Float32
    left_out: Sequence[str] = ()

    def figures(self) -> dict[str, Any]:
        """Everything as plain values."""
        confusion = confusion_matrix(self.scores, self.targets)
        precision, recall = precision_and_recall(confusion)
        share = accuracy(self.scores, self.targets)
        area = mean_area_under_roc(self.scores, self.targets)
        return {
            "models": list(self.models),
            "clips": len(self.scores),
            "accuracy": share,
            "accuracy_interval": wilson_interval(round(share * len(self.scores)), len(self.scores)),
            "mean_average_precision": _number(mean_average_precision(self.scores, self.targets)),
            "mean_area_under_roc": _number(area),
            "d_prime": _number(d_prime(area)),
            "labels": {
                label: {
                    "clips": int(self.targets[:, i].sum()),
                    "precision": _number(precision[i]),
                    "recall": _number(recall[i]),
                }
                for i, label in enumerate(self.labels)
            },
            "confusion": confusion.tolist(),
        }


def measure_clips(
    folders: Sequence[Path], items: Sequence[ClipItem], names: Sequence[str]
) -> ClipReport:
    """Score clips with one model, or with the mean of several.

    Args:
        folders: Model folders; all must have the same labels.
        items: Clips; their labels are indices into `names`.
        names: Labels of the data.

    Raises:
        ModelError: A model folder is refused.
        ConfigError: The models or the data have labels that do not fit, or no clip can be read.
    """
    manifests = [load_manifest(folder) for folder in folders]
    labels = manifests[0].labels
    for manifest in manifests[1:]:
        if set(manifest.labels) != set(labels):
            other = sorted(set(manifest.labels) ^ set(labels))
            raise ConfigError(f"{manifest.folder} differs in label {other[0]!r} from {folders[0]}")
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise ConfigError(
            f"the data has label {unknown[0]!r}, which {folders[0]} does not have; it has "
            f"{', '.join(labels[:8])}{', ...' if len(labels) > 8 else ''}"
        )
    targets = np.zeros((len(items), len(labels)), np.float32)
    for row, item in enumerate(items):
        targets[row, [labels.index(names[i]) for i in item.labels]] = 1
    scores = np.zeros_like(targets)
    unread: dict[int, str] = {}
    for manifest in manifests:
        columns = [manifest.labels.index(label) for label in labels]
        scores += _posteriors(manifest, items, unread)[:, columns] / len(manifests)
    used = [row for row in range(len(items)) if row not in unread]
    if not used:
        raise ConfigError(
            f"no clip can be measured: {next(iter(unread.values()), 'there is none')}"
        )
    described = [f"{manifest.name} ({manifest.model_sha256[:16]})" for manifest in manifests]
    return ClipReport(
        models=described,
        labels=labels,
        scores=scores[used],
        targets=targets[used],
        left_out=tuple(unread.values()),
    )


def _posteriors(
    manifest: ModelManifest, items: Sequence[ClipItem], unread: dict[int, str]
) -> Float32:
    """Posteriors of each clip; one that cannot be read is noted in `unread`, by its row."""
    out = np.zeros((len(items), len(manifest.labels)), np.float32)
    with (
        choose_backend("auto", manifest).backend as backend,
        ProgressReport(manifest.name, len(items), unit="clips") as progress,
    ):
        for row, item in enumerate(items):
            progress.advance()
            try:
                samples = item.read()
            except SourceError as err:
                unread[row] = str(err)
                continue
            features = model_input(_log_mel(samples, manifest), manifest.fbank)
            logits = backend.infer(features[None])[0]
            out[row] = posteriors_of(logits, manifest.activation)
    return out


def _log_mel(samples: Float32, manifest: ModelManifest) -> Float32:
    """Fbank of a clip as the model was trained: padded as a stream's silence, or as AST pads."""
    config = manifest.fbank
    window = manifest.windows.window_samples
    pads_log_mel = config.n_frames(window) < config.target_frames
    if not pads_log_mel or len(samples) < config.frame_length_samples:
        samples = as_window(samples, window)
    return fbank(samples, config)[: config.target_frames]


def to_markdown(report: ClipReport) -> str:
    """The figures for people."""
    figures = report.figures()
    low, high = figures["accuracy_interval"]
    lines = [
        f"{' + '.join(figures['models'])}, {figures['clips']} clips",
        "",
        f"- accuracy {figures['accuracy']:.2%} ({low:.2%} to {high:.2%})",
        f"- mAP {_digits(figures['mean_average_precision'])}, "
        f"AUC {_digits(figures['mean_area_under_roc'])}, d' {_digits(figures['d_prime'])}",
        "",
        "| label | clips | precision | recall |",
        "|---|---|---|---|",
    ]
    for label, row in figures["labels"].items():
        if row["clips"] or row["precision"] is not None:
            cells = (_percent(row["precision"]), _percent(row["recall"]))
            lines.append(f"| {label} | {row['clips']} | {cells[0]} | {cells[1]} |")
    mistakes = _mistakes(np.array(figures["confusion"]), report.labels)
    if mistakes:
        lines += ["", "Most frequent mistakes:", "", *mistakes]
    return "\n".join(lines) + "\n"


def write_json(report: ClipReport, path: Path) -> None:
    """The figures for programs, confusion matrix included."""
    path.write_text(json.dumps(report.figures(), indent=1, allow_nan=False) + "\n")


def _mistakes(confusion: npt.NDArray[np.int64], labels: Sequence[str]) -> list[str]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [np.unravel_index(i, wrong.shape) for i in order]
    return [
        f"- {labels[true]} taken for {labels[taken]}: {wrong[true, taken]}"
        for true, taken in pairs
        if wrong[true, taken]
    ]


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _digits(value: float | None) -> str:
    return "not defined" if value is None else f"{value:.4f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
