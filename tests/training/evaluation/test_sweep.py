"""Many thresholds at once give what the shipped Detector gives at each."""

import dataclasses

import numpy as np
import pytest

from engine.config import DecisionConfig, OperatingPoint
from engine.detection import Detector
from engine.manifest import ModelManifest
from engine.types import Posteriors
from training.evaluation.events import Heard
from training.evaluation.scored import ScoredStream, detect
from training.evaluation.streams import Stream
from training.evaluation.sweep import (
    THRESHOLDS,
    alarms_by_threshold,
    at_threshold,
    lowest_threshold,
    smooth,
    smoothed,
)

LABELS = ("_silence_", "_unknown_", "low", "high")
KEYWORDS = ("low", "high")


def random_stream(seed: int, n: int = 400) -> ScoredStream:
    """Posteriors that rise and fall as those of words do."""
    rng = np.random.default_rng(seed)
    logits = np.cumsum(rng.normal(0, 0.8, (n, len(LABELS))), axis=0)
    logits -= 0.05 * np.cumsum(logits, axis=0).clip(-40, 40) * 0.1
    probs = np.exp(logits - logits.max(axis=1, keepdims=True))
    probs /= probs.sum(axis=1, keepdims=True)
    return ScoredStream(
        stream=Stream(name="random", kind="speech", samples=np.zeros(0, np.float32)),
        hours=n * 0.1 / 3600,
        end_samples=16_000 + 1_600 * np.arange(n),
        posteriors=probs.astype(np.float32),
    )


@pytest.mark.parametrize("windows", [1, 2, 3, 5, 50, 100])
def test_smoothing_equals_the_detectors_to_the_last_bit(windows: int) -> None:
    stream = random_stream(0)
    detector = Detector(
        LABELS,
        DecisionConfig(
            smoothing_windows=windows,
            refractory_samples=0,
            operating_points={
                word: OperatingPoint(threshold=1e-6, rearm_threshold=1e-6) for word in LABELS
            },
        ),
    )
    scores = smoothed(stream.posteriors, windows)
    assert scores.shape == stream.posteriors.shape
    for end, probs, row in zip(stream.end_samples, stream.posteriors, scores, strict=True):
        for fired in detector.update(Posteriors(probs=probs, end_sample=int(end))):
            assert fired.score == row[LABELS.index(fired.keyword)]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("windows", "refractory_s"), [(1, 0.0), (1, 0.8), (3, 0.8), (4, 2.0)])
def test_firings_are_the_detectors(
    tiny: ModelManifest, seed: int, windows: int, refractory_s: float
) -> None:
    stream = random_stream(seed)
    refractory = round(16_000 * refractory_s)
    swept = smooth(stream, LABELS, 16_000, windows)
    fired = 0
    for threshold in THRESHOLDS[::4]:
        decision = at_threshold(
            threshold, KEYWORDS, smoothing_windows=windows, refractory_samples=refractory
        )
        wanted = detect(tiny, stream, decision)
        found: list[Heard] = []
        for word in KEYWORDS:
            found += swept.firings(word, threshold, threshold / 2, refractory)
        assert sorted(found, key=lambda item: item.time_s) == wanted
        fired += len(wanted)
    assert fired > 10


def test_a_threshold_is_not_rounded_to_a_posterior(tiny: ModelManifest) -> None:
    """0.58 in single precision lies below 0.58 in double: it does not reach it."""
    below = next(t for t in THRESHOLDS if float(np.float32(t)) < t)
    probs = np.full((1, 4), 0.1, np.float32)
    probs[0, 2] = below
    stream = dataclasses.replace(random_stream(0), posteriors=probs, end_samples=np.array([16_000]))
    decision = at_threshold(below, KEYWORDS, smoothing_windows=1, refractory_samples=0)
    assert detect(tiny, stream, decision) == []
    assert smooth(stream, LABELS, 16_000, 1).firings("low", below, below / 2, 0) == []


def test_alarms_are_counted_by_threshold_and_keyword(tiny: ModelManifest) -> None:
    stream = random_stream(3)
    counts = alarms_by_threshold(smooth(stream, LABELS, 16_000, 2), KEYWORDS, 0)
    assert counts.shape == (len(THRESHOLDS), 2)
    decision = at_threshold(0.6, KEYWORDS, smoothing_windows=2, refractory_samples=0)
    assert counts[THRESHOLDS.index(0.6)].sum() == len(detect(tiny, stream, decision))


@pytest.mark.parametrize(
    ("allowed", "expected"), [(10, 0.1), (3, 0.2), (2, 0.5), (0.5, 0.9), (-1, 0.9)]
)
def test_the_lowest_threshold_above_which_none_breaks_the_limit(
    allowed: float, expected: float
) -> None:
    thresholds = [0.1, 0.2, 0.3, 0.4, 0.5, 0.9]
    assert lowest_threshold(np.array([9, 1, 3, 3, 2, 0]), allowed, thresholds) == expected


def test_thresholds_rise_to_nearly_one() -> None:
    assert list(THRESHOLDS) == sorted(set(THRESHOLDS))
    assert 0 < THRESHOLDS[0] <= 0.1
    assert 0.99 < THRESHOLDS[-1] < 1
