"""How high each keyword's smoothed posterior rose: where it was spoken, and where it was not.

A threshold fires at an event when the event's peak reaches it. So peaks hold, for all thresholds at
once, what would fire; the tests hold them to the shipped Detector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.evaluation.events import HIT_GRACE_S, Reference
from training.evaluation.sweep import REARM_SHARE, SmoothedStream

FLOOR = 0.5  # no keyword fires below: it would be less sure of it than of all the rest
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """Peaks of some events.

    Attributes:
        keywords: Index of each event's keyword, shape [n].
        scores: Its highest smoothed posterior while it was the highest label, shape [n]; 0 where
            it never was.
        folds: Which part of the audio it belongs to, shape [n].
    """

    keywords: npt.NDArray[np.int64]
    scores: Floats
    folds: npt.NDArray[np.int64]

    def of_folds(self, folds: Sequence[int]) -> Peaks:
        """Only those of some folds."""
        kept = np.isin(self.folds, folds)
        return Peaks(keywords=self.keywords[kept], scores=self.scores[kept], folds=self.folds[kept])

    def reaching(self, thresholds: Floats) -> npt.NDArray[np.bool_]:
        """Whether each event reaches the threshold of its keyword, [n]."""
        reached: npt.NDArray[np.bool_] = self.scores >= thresholds[self.keywords]
        return reached


def join_peaks(parts: Sequence[Peaks]) -> Peaks:
    """All of them."""
    return Peaks(
        keywords=np.concatenate([np.zeros(0, np.int64), *(part.keywords for part in parts)]),
        scores=np.concatenate([np.zeros(0), *(part.scores for part in parts)]),
        folds=np.concatenate([np.zeros(0, np.int64), *(part.folds for part in parts)]),
    )


def alarm_peaks(stream: SmoothedStream, keywords: Sequence[str], folds: int) -> Peaks:
    """Events of keywords in audio without them; the folds are equal stretches of time.

    One event lasts until the posterior has fallen below the re-arm threshold of `FLOOR`.
    """
    n = len(stream.scores)
    found: list[tuple[int, float, int]] = []
    for index, word in enumerate(keywords):
        score = stream.scores[:, stream.labels.index(word)]
        rising = np.where(score == stream.top, score, 0)
        candidates = np.flatnonzero(rising >= FLOOR)
        event = np.searchsorted(np.flatnonzero(score < FLOOR * REARM_SHARE), candidates)
        for number in np.unique(event):
            windows = candidates[event == number]
            highest = windows[rising[windows].argmax()]
            found.append((index, float(rising[highest]), int(highest) * folds // n))
    return _peaks(found)


def word_peaks(
    stream: SmoothedStream, keywords: Sequence[str], references: Sequence[Reference], folds: int
) -> Peaks:
    """One event for each spoken keyword; a speaker's words are all in one fold."""
    ends_s = stream.scored.end_samples / stream.rate_hz
    fold_of = _speaker_folds(references, folds)
    found = []
    for reference in references:
        first = int(np.searchsorted(ends_s, reference.onset_s, side="left"))
        last = int(np.searchsorted(ends_s, reference.offset_s + HIT_GRACE_S, side="right"))
        score = stream.scores[first:last, stream.labels.index(reference.keyword)]
        heard = score[score == stream.top[first:last]]
        peak = float(heard.max()) if len(heard) else 0.0
        found.append((keywords.index(reference.keyword), peak, fold_of[reference.speaker]))
    return _peaks(found)


def _speaker_folds(references: Sequence[Reference], folds: int) -> dict[str, int]:
    """Speakers dealt out to folds, those with most words first."""
    names, counts = np.unique([r.speaker for r in references], return_counts=True)
    order = names[np.argsort(-counts, kind="stable")]
    return {str(name): place % folds for place, name in enumerate(order)}


def _peaks(found: Sequence[tuple[int, float, int]]) -> Peaks:
    columns = np.array(found, np.float64).reshape(-1, 3)
    return Peaks(
        keywords=columns[:, 0].astype(np.int64),
        scores=columns[:, 1],
        folds=columns[:, 2].astype(np.int64),
    )
