"""What every keyword fires at, at every threshold: the shipped rule, for many thresholds at once.

Keywords don't see each other's thresholds, so each is swept by itself. The tests hold this to the
shipped Detector, detection by detection; figures at one setting are always the Detector's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.config import DecisionConfig, OperatingPoint
from engine.types import Float32
from training.evaluation.events import Heard
from training.evaluation.scored import ScoredStream

THRESHOLDS = (
    *(round(0.05 * i, 2) for i in range(2, 10)),
    *(round(0.01 * i, 2) for i in range(50, 98)),
    *(round(0.002 * i, 3) for i in range(490, 500)),
    0.999,
)
REARM_SHARE = 0.5


def at_threshold(
    threshold: float, keywords: Sequence[str], *, smoothing_windows: int, refractory_samples: int
) -> DecisionConfig:
    """Keywords at one threshold, re-armed below half of it."""
    point = OperatingPoint(threshold=threshold, rearm_threshold=threshold * REARM_SHARE)
    return DecisionConfig(
        smoothing_windows=smoothing_windows,
        refractory_samples=refractory_samples,
        operating_points=dict.fromkeys(keywords, point),
    )


def smoothed(posteriors: Float32, windows: int) -> Float32:
    """Mean of the last so many posteriors at each window, [n, n_labels]; fewer at the beginning.

    Added in the order of the shipped Detector, so that not even rounding differs.
    """
    n = len(posteriors)
    out = posteriors.copy()
    for i in range(min(windows - 1, n)):
        out[i] = np.mean(posteriors[: i + 1], axis=0)
    if n >= windows:
        total = posteriors[: n - windows + 1].copy()
        for i in range(1, windows):
            total += posteriors[i : n - windows + 1 + i]
        out[windows - 1 :] = total / np.float32(windows)
    return out


@dataclass(frozen=True, kw_only=True)
class SmoothedStream:
    """A scored stream at one smoothing.

    Attributes:
        scored: The stream.
        scores: Smoothed posteriors, [n, n_labels].
        labels: Of the columns.
        rate_hz: Sample rate.
    """

    scored: ScoredStream
    scores: Float32
    labels: Sequence[str]
    rate_hz: int

    @cached_property
    def top(self) -> Float32:
        """Highest smoothed posterior of each window, [n]."""
        top: Float32 = self.scores.max(axis=1)
        return top

    def firings(
        self, keyword: str, threshold: float, rearm_threshold: float, refractory_samples: int
    ) -> list[Heard]:
        """When a keyword fires."""
        ends = self.scored.end_samples
        # In double precision, as the Detector compares.
        score = self.scores[:, self.labels.index(keyword)].astype(np.float64)
        candidates = np.flatnonzero((score >= threshold) & (score == self.top))
        below = np.flatnonzero(score < rearm_threshold)
        # Windows up to and including a candidate that were below the re-arm threshold.
        rearmed = np.searchsorted(below, candidates, side="right")
        heard = []
        last_rearmed, blocked_until = -1, 0
        for place, count in zip(candidates, rearmed, strict=True):
            if count > last_rearmed and ends[place] >= blocked_until:
                heard.append(Heard(keyword=keyword, time_s=int(ends[place]) / self.rate_hz))
                last_rearmed, blocked_until = count, int(ends[place]) + refractory_samples
        return heard


def smooth(
    scored: ScoredStream, labels: Sequence[str], rate_hz: int, windows: int
) -> SmoothedStream:
    """A scored stream at one smoothing."""
    return SmoothedStream(
        scored=scored, scores=smoothed(scored.posteriors, windows), labels=labels, rate_hz=rate_hz
    )


def alarms_by_threshold(
    stream: SmoothedStream,
    keywords: Sequence[str],
    refractory_samples: int,
    thresholds: Sequence[float] = THRESHOLDS,
) -> npt.NDArray[np.int64]:
    """How often each keyword fires in a background, [n_thresholds, n_keywords]."""
    return np.array(
        [
            [
                len(stream.firings(word, threshold, threshold * REARM_SHARE, refractory_samples))
                for word in keywords
            ]
            for threshold in thresholds
        ],
        np.int64,
    ).reshape(len(thresholds), len(keywords))


def lowest_threshold(
    alarms: npt.NDArray[np.int64], allowed: float, thresholds: Sequence[float] = THRESHOLDS
) -> float:
    """The lowest threshold that keeps an allowed number of false alarms.

    Args:
        alarms: Of all keywords together, at each threshold, [n_thresholds].
        allowed: At most so many.
        thresholds: Rising.

    Returns:
        The lowest one above which no other breaks the limit; the highest one if even that does.
    """
    breaks = np.flatnonzero(alarms > allowed)
    first = int(breaks[-1]) + 1 if len(breaks) else 0
    return thresholds[min(first, len(thresholds) - 1)]
