"""Whether an action is due: by the detection and the time in the audio, never by a clock."""

from __future__ import annotations

from engine.types import Detection
from kws_app.actions.action import Action


class Gate:
    """Holds one action back.

    Args:
        action: Which one.
        sample_rate_hz: Rate of the model.
    """

    def __init__(self, action: Action, sample_rate_hz: int) -> None:
        self._min_score = action.min_score
        self._cooldown_samples = round(action.cooldown_s * sample_rate_hz)
        self._last: int | None = None

    def holds_back(self, detection: Detection) -> str | None:
        """Why the action is not due, or None."""
        if self._min_score is not None and detection.score < self._min_score:
            return f"skipped, {detection.score:.2f} is below min_score {self._min_score:g}"
        if self._last is not None:
            # Another stream counts from 0 again.
            passed = detection.end_sample - self._last
            if 0 <= passed < self._cooldown_samples:
                return "skipped, cooldown"
        return None

    def begun(self, detection: Detection) -> None:
        """The action was begun for this detection: the cooldown starts."""
        self._last = detection.end_sample
