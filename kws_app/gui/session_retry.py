"""When a session looks again for a device that is not there. No Qt."""

from __future__ import annotations

from collections.abc import Callable

_RETRY_S = (1.0, 2.0, 4.0, 8.0)


class Retry:
    """Waits longer after each failure, up to a limit.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._at_s: float | None = None

    @property
    def has_failed(self) -> bool:
        """Whether the next try is not the first."""
        return self._failures > 0

    @property
    def is_waiting(self) -> bool:
        """Whether there is a next try."""
        return self._at_s is not None

    def reset(self) -> None:
        """Wait for nothing; the next failure is the first."""
        self._failures, self._at_s = 0, None

    def put_off(self) -> None:
        """Wait, since it has failed."""
        wait_s = _RETRY_S[min(self._failures, len(_RETRY_S) - 1)]
        self._failures += 1
        self._at_s = self._clock() + wait_s

    def take_due(self) -> bool:
        """Whether it is time for the next try; says so once."""
        is_due = self._at_s is not None and self._clock() >= self._at_s
        if is_due:
            self._at_s = None
        return is_due
