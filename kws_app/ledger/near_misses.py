"""Finds near misses: a keyword's smoothed posterior came close to firing and did not fire.

Pure and timed by samples, like the detector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.config import DecisionConfig
from engine.scorer import ScoredWindow

BELOW_THRESHOLD = "below threshold"
# A peak stands when the keyword has not fired and not risen above it for this long: a word is
# over by then, and one that does fire has done so.
_SETTLED_S = 1.0


@dataclass(frozen=True, kw_only=True)
class NearMiss:
    """A keyword that almost fired.

    Attributes:
        keyword: The label.
        score: The peak of its smoothed posterior.
        threshold: The threshold.
        end_sample: End of the window of the peak.
        reason: Why it did not fire there.
    """

    keyword: str
    score: float
    threshold: float
    end_sample: int
    reason: str


@dataclass(kw_only=True)
class _Event:
    """One rise of a keyword's smoothed posterior: a detection, or a near miss.

    Attributes:
        start: End of its first window.
        best: Its highest value.
        is_open: Whether it counts as a near miss; not after a detection, and not twice.
        lowest: Its lowest value since it ended, infinite before.
    """

    start: int
    best: float
    is_open: bool
    lowest: float = math.inf


class NearMisses:
    """Follows every keyword through the scored windows.

    An event begins when the smoothed posterior reaches the level, a fraction of the threshold, and
    ends when it has fallen from its best by half of the level. Another one begins after it has
    risen by as much again. So a value that wavers around the level is one event, and so is the
    decline after a detection; a word that is said again without a pause is two.

    Args:
        labels: Labels of the posteriors, in order.
        decision: The keywords and their thresholds.
        margin: Level as a fraction of the threshold, above 0 and at most 1.
        sample_rate_hz: Rate of the model.
    """

    def __init__(
        self, labels: Sequence[str], decision: DecisionConfig, margin: float, sample_rate_hz: int
    ) -> None:
        self._labels = labels
        self._margin = margin
        self._settled_samples = round(_SETTLED_S * sample_rate_hz)
        self._words: list[str] = []
        self._events: dict[int, _Event] = {}
        self._peaks: dict[int, NearMiss] = {}
        self.configure(decision)

    def configure(self, decision: DecisionConfig) -> None:
        """Follow other keywords or thresholds; what is under way goes on, if its keyword stays."""
        before, self._words = self._words, list(decision.operating_points)
        self._index = np.array([self._labels.index(word) for word in self._words], np.intp)
        self._thresholds = [point.threshold for point in decision.operating_points.values()]
        self._levels = self._margin * np.array(self._thresholds)
        places = {word: number for number, word in enumerate(self._words)}
        stay = {number: places[word] for number, word in enumerate(before) if word in places}
        self._events = {stay[n]: event for n, event in self._events.items() if n in stay}
        self._peaks = {stay[n]: peak for n, peak in self._peaks.items() if n in stay}

    def update(self, scored: ScoredWindow) -> list[NearMiss]:
        """Take the next window; return the near misses whose peaks stand now."""
        scores = scored.smoothed[self._index]
        fired = {detection.keyword for detection in scored.detections}
        end = scored.posteriors.end_sample
        # Of dozens of keywords hardly ever more than one or two are worth a look.
        near = {int(number) for number in np.flatnonzero(scores >= self._levels)}
        for number in sorted(near | self._events.keys()):
            score = float(scores[number])
            if self._words[number] in fired:
                self._events[number] = _Event(start=end, best=score, is_open=False)
                self._peaks.pop(number, None)
            elif self._follow(number, score, end):
                self._raise_peak(number, score, scored)
        settled = [
            number
            for number, peak in self._peaks.items()
            if end - peak.end_sample >= self._settled_samples
        ]
        return [self._report(number) for number in settled]

    def flush(self) -> list[NearMiss]:
        """All peaks that do not stand yet; for the end of the stream and before a gap."""
        return [self._report(number) for number in list(self._peaks)]

    def _follow(self, number: int, score: float, end: int) -> bool:
        """Move a keyword's event on; returns whether this window may be the peak of a near miss."""
        level = self._levels[number]
        event = self._events.get(number)
        if event is None:
            self._events[number] = _Event(start=end, best=score, is_open=True)
            return True
        if event.lowest == math.inf:
            if score > event.best:
                event.best = score
                return event.is_open
            if event.best - score < level / 2:
                return False
        event.lowest = min(event.lowest, score)
        if event.lowest <= level / 2:  # from there any rise to the level is another event
            del self._events[number]
            return False
        if score - event.lowest >= level / 2:  # and so at or above the level
            self._events[number] = _Event(start=end, best=score, is_open=True)
            return True
        return False

    def _raise_peak(self, number: int, score: float, scored: ScoredWindow) -> None:
        before = self._peaks.get(number)
        if before is not None and before.score >= score:
            return  # two rises within a second are one near miss
        word = self._words[number]
        self._peaks[number] = NearMiss(
            keyword=word,
            score=score,
            threshold=self._thresholds[number],
            end_sample=scored.posteriors.end_sample,
            reason=scored.held_back.get(word, BELOW_THRESHOLD),
        )

    def _report(self, number: int) -> NearMiss:
        peak = self._peaks.pop(number)
        event = self._events.get(number)
        if event is not None and event.start <= peak.end_sample:
            event.is_open = False
        return peak
