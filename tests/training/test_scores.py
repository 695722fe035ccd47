"""Figures of clips against slow definitions and known answers."""

import math

import numpy as np
import pytest

from training.scores import (
    accuracy,
    area_under_roc,
    average_precision,
    confusion_matrix,
    d_prime,
    mean_area_under_roc,
    mean_average_precision,
    precision_and_recall,
)


def draws(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(60), 1)  # many ties
    targets = (rng.random(60) < 0.2 + 0.5 * scores).astype(float)
    return scores, targets


@pytest.mark.parametrize("seed", range(5))
def test_average_precision_is_the_sum_over_thresholds(seed: int) -> None:
    scores, targets = draws(seed)
    total, before = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = scores >= threshold
        recall = targets[chosen].sum() / targets.sum()
        total += (recall - before) * targets[chosen].mean()
        before = recall
    assert average_precision(scores, targets) == pytest.approx(total)


def test_average_precision_of_the_textbook() -> None:
    # scikit-learn's example
    assert average_precision(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == (
        pytest.approx(0.8333333)
    )
    assert math.isnan(average_precision(np.array([0.1, 0.2]), np.array([0, 0])))
    assert math.isnan(average_precision(np.zeros(0), np.zeros(0)))


@pytest.mark.parametrize("seed", range(5))
def test_area_under_roc_is_the_share_of_ordered_pairs(seed: int) -> None:
    scores, targets = draws(seed)
    positive, negative = scores[targets == 1], scores[targets == 0]
    pairs = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    assert area_under_roc(scores, targets) == pytest.approx(pairs.mean())


def test_d_prime() -> None:
    assert d_prime(0.5) == 0
    assert d_prime(0.97856) == pytest.approx(2.864, abs=1e-3)  # AST on AudioSet
    assert d_prime(1.0) == math.inf
    assert math.isnan(d_prime(float("nan")))


def test_means_leave_out_labels_that_nothing_has() -> None:
    scores = np.array([[0.9, 0.2, 0.1], [0.2, 0.8, 0.3], [0.6, 0.1, 0.2]], np.float32)
    targets = np.array([[1, 0, 0], [0, 1, 0], [1, 0, 0]], np.float32)
    assert mean_average_precision(scores, targets) == 1.0
    assert mean_area_under_roc(scores, targets) == 1.0
    assert accuracy(scores, targets) == 1.0


def test_confusion_precision_and_recall() -> None:
    scores = np.eye(3, dtype=np.float32)[[0, 0, 1, 1, 1]]
    targets = np.eye(3, dtype=np.float32)[[0, 1, 1, 1, 0]]
    confusion = confusion_matrix(scores, targets)
    assert confusion.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    precision, recall = precision_and_recall(confusion)
    np.testing.assert_allclose(precision, [0.5, 2 / 3, np.nan])
    np.testing.assert_allclose(recall, [0.5, 2 / 3, np.nan])
    assert accuracy(scores, targets) == 0.6
    assert math.isnan(accuracy(scores[:0], targets[:0]))
