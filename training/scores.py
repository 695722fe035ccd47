"""Figures of clips: accuracy, average precision, AUC, d-prime, precision, recall, confusion.

Scores are anything that rises with the posterior, [n, n_labels]; targets hold 0 and 1. For clips
with one label the highest score counts; for several labels each label is ranked by itself.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from engine.types import Float32

Counts = npt.NDArray[np.int64]


def accuracy(scores: Float32, targets: Float32) -> float:
    """Share of clips whose highest score is at their (first) label; NaN without clips."""
    if not len(scores):
        return float("nan")
    return float(np.mean(scores.argmax(axis=1) == targets.argmax(axis=1)))


def average_precision(scores: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]) -> float:
    """Area under one label's precision-recall steps; equal scores count together.

    The sum of (recall gained) x (precision), from the highest score down, as scikit-learn has it,
    which AST's figures were computed with. NaN if nothing has the label.
    """
    positive, total = _counts_from_the_top(scores, targets)
    if not len(positive) or not positive[-1]:
        return float("nan")
    gained = np.diff(positive, prepend=0) / positive[-1]
    return float(np.sum(gained * positive / total))


def mean_average_precision(scores: Float32, targets: Float32) -> float:
    """Mean of `average_precision` over the labels that any clip has."""
    return _mean_over_labels(average_precision, scores, targets)


def area_under_roc(scores: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]) -> float:
    """Chance that a clip with the label scores above one without; ties count half.

    NaN if all or no clips have the label.
    """
    positive, total = _counts_from_the_top(scores, targets)
    if not len(positive) or not 0 < positive[-1] < total[-1]:
        return float("nan")
    true_rate = np.concatenate([[0], positive / positive[-1]])
    false_rate = np.concatenate([[0], (total - positive) / (total[-1] - positive[-1])])
    return float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))


def mean_area_under_roc(scores: Float32, targets: Float32) -> float:
    """Mean of `area_under_roc` over the labels where it is defined."""
    return _mean_over_labels(area_under_roc, scores, targets)


def d_prime(area: float) -> float:
    """Distance of two unit normals that give this area under the ROC: sqrt(2) * Phi^-1(area)."""
    if not 0 < area < 1:
        return float("inf") if area == 1 else float("nan")
    return 2**0.5 * NormalDist().inv_cdf(area)


def confusion_matrix(scores: Float32, targets: Float32) -> Counts:
    """Clips by true label (row) and by the label with the highest score (column)."""
    n_labels = targets.shape[1]
    counts = np.zeros((n_labels, n_labels), np.int64)
    np.add.at(counts, (targets.argmax(axis=1), scores.argmax(axis=1)), 1)
    return counts


def precision_and_recall(confusion: Counts) -> tuple[npt.NDArray[np.float64], ...]:
    """Per label, [n_labels] each; NaN where nothing was predicted or spoken.

    Taken at the decision itself, not at a middle point of a curve.
    """
    right = np.diag(confusion).astype(float)
    with np.errstate(invalid="ignore"):
        return right / confusion.sum(axis=0), right / confusion.sum(axis=1)


def _counts_from_the_top(
    scores: npt.NDArray[np.floating], targets: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Positives and clips at or above each different score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_equal = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    positive = np.cumsum(targets[order] > 0)
    if not len(scores):
        return np.zeros(0), np.zeros(0)
    return positive[last_of_equal].astype(float), (last_of_equal + 1).astype(float)


def _mean_over_labels(figure: object, scores: Float32, targets: Float32) -> float:
    values = [figure(scores[:, i], targets[:, i]) for i in range(targets.shape[1])]  # type: ignore[operator]
    defined = [value for value in values if value == value]
    return float(np.mean(defined)) if defined else float("nan")
