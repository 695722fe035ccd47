"""Tells when a device delivers nothing but zeros: muted, kept from programs, or hung."""

from __future__ import annotations

from engine.audio.source import Trouble
from engine.types import Float32

_LIMIT_S, _MOST_S = 10.0, 300.0


class ZerosWatch:
    """Watches the samples of a microphone.

    A microphone that takes noise away delivers zeros between words. Each silence that ended by
    itself doubles the time after which the next one is told, from its own length, up to five
    minutes.

    Args:
        rate_hz: Rate of the samples.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._limit_s = _LIMIT_S
        self._zeros_s = 0.0
        self._is_told = False
        self._has_reopened = False

    def see(self, samples: Float32, name: str) -> Trouble | None:
        """Take the next samples, shape [n]; what is wrong from here on, or not any more."""
        if not len(samples):
            return None
        if samples.any():
            return self._end(name)
        self._zeros_s += len(samples) / self._rate_hz
        if self._is_told or self._zeros_s < self._limit_s:
            return None
        self._is_told = True
        return Trouble(
            kind="zeros",
            text=f"{name!r} has delivered nothing but zeros for {self._zeros_s:.0f} s: it may be "
            "muted, or the system keeps it from programs",
        )

    def wants_reopening(self) -> bool:
        """Whether to open the device anew, which mends some drivers; once in a silence.

        Zeros that go on after that are told again.
        """
        if self._has_reopened or self._zeros_s < 2 * self._limit_s:
            return False
        self._has_reopened, self._is_told = True, False
        return True

    def begin_anew(self) -> None:
        """What comes next comes from a device that was away: its silence begins there."""
        self._zeros_s, self._is_told, self._has_reopened = 0.0, False, False

    def _end(self, name: str) -> Trouble | None:
        was_told, lasted_s = self._is_told, self._zeros_s
        if not self._has_reopened:
            self._limit_s = min(_MOST_S, max(self._limit_s, 2 * lasted_s))
        self.begin_anew()
        if not was_told:
            return None
        return Trouble(kind="zeros", text=f"{name!r} delivers audio again", is_over=True)
