"""Posteriors in, detections out: smoothing, threshold, re-arm level and refractory period.

Pure and timed by samples, so a recording gives the same detections at any speed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.config import DecisionConfig
from engine.errors import ConfigError
from engine.types import Detection, Float32, Posteriors

NOT_REARMED = "not re-armed"
REFRACTORY = "refractory period"
NOT_HIGHEST = "another label was higher"


@dataclass
class _KeywordState:
    armed: bool = True
    blocked_until: int = 0


def require_labels(config: DecisionConfig, labels: Sequence[str]) -> None:
    """Refuse keywords that no model knows.

    Raises:
        ConfigError: A keyword is not among the labels.
    """
    missing = [word for word in config.operating_points if word not in labels]
    if missing:
        raise ConfigError(f"keyword {missing[0]!r} is not a label; labels: {', '.join(labels)}")


class Detector:
    """The decision rule.

    A keyword fires when its smoothed posterior is at or above its threshold and is the highest of
    all labels, background included. It cannot fire again before its smoothed posterior has fallen
    below its re-arm threshold and the refractory period is over: a one-second word in a one-second
    window stays high for about two seconds, so a refractory period alone would fire twice.

    Args:
        labels: Labels of the posteriors, in order.
        config: Smoothing, refractory period and the keywords' operating points.

    Raises:
        ConfigError: A keyword is not among the labels.
    """

    def __init__(self, labels: Sequence[str], config: DecisionConfig) -> None:
        self._labels = tuple(labels)
        self._states: dict[str, _KeywordState] = {}
        self._history: deque[Float32] = deque()
        self._smoothed: Float32 = np.zeros(len(labels), np.float32)
        self._held_back: dict[str, str] = {}
        self.configure(config)

    def configure(self, config: DecisionConfig) -> None:
        """Decide otherwise from the next window on; what has fired stays blocked.

        Raises:
            ConfigError: A keyword is not among the labels; everything stays as it was.
        """
        require_labels(config, self._labels)
        points = config.operating_points
        self._config = config
        self._index = {word: self._labels.index(word) for word in points}
        # Also of keywords that are switched off: they come back as they went.
        self._states |= {word: _KeywordState() for word in points if word not in self._states}
        self._history = deque(self._history, maxlen=config.smoothing_windows)
        self._lowest_threshold = min((p.threshold for p in points.values()), default=math.inf)

    @property
    def config(self) -> DecisionConfig:
        """What decides."""
        return self._config

    @property
    def smoothed(self) -> Float32:
        """Smoothed posteriors of the last window, shape [n_labels]."""
        return self._smoothed

    @property
    def held_back(self) -> dict[str, str]:
        """Keywords that reached their threshold in the last window and did not fire, and why."""
        return self._held_back

    def update(self, posteriors: Posteriors) -> list[Detection]:
        """Take the next window's posteriors; return what fired, at most one detection."""
        self._history.append(posteriors.probs)
        smoothed = np.mean(self._history, axis=0)
        top = float(smoothed.max())
        fired: list[Detection] = []
        for word, index in self._index.items():
            point = self._config.operating_points[word]
            state = self._states[word]
            score = float(smoothed[index])
            if score < point.rearm_threshold:
                state.armed = True
            free = posteriors.end_sample >= state.blocked_until
            # Two labels with the same posterior must not both fire; the others still re-arm.
            may_fire = state.armed and free and not fired
            if score >= point.threshold and score == top and may_fire:
                state.armed = False
                state.blocked_until = posteriors.end_sample + self._config.refractory_samples
                fired.append(
                    Detection(
                        keyword=word,
                        score=score,
                        threshold=point.threshold,
                        end_sample=posteriors.end_sample,
                    )
                )
        self._smoothed = smoothed
        self._held_back = {}
        if top >= self._lowest_threshold:  # most windows are not worth a closer look
            self._held_back = self._reasons(posteriors.end_sample, fired)
        return fired

    def forget_history(self) -> None:
        """Drop the smoothing history after a gap; what has fired stays blocked."""
        self._history.clear()

    def _reasons(self, end_sample: int, fired: list[Detection]) -> dict[str, str]:
        """Why the other keywords at or above their thresholds did not fire: the first reason."""
        reasons = {}
        for word, index in self._index.items():
            threshold = self._config.operating_points[word].threshold
            if float(self._smoothed[index]) < threshold or any(word == d.keyword for d in fired):
                continue
            state = self._states[word]
            if not state.armed:
                reasons[word] = NOT_REARMED
            elif end_sample < state.blocked_until:
                reasons[word] = REFRACTORY
            else:
                reasons[word] = NOT_HIGHEST
        return reasons
