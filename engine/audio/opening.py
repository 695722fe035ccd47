"""Opens a device on a thread: a driver may take long, and the stream must answer meanwhile."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from engine.audio.source import Source
from engine.errors import DeviceError

Opened = TypeVar("Opened", bound=Source)


class Opening(Generic[Opened]):
    """Begins at once.

    Args:
        make: Makes the source; entered and, when it is given up, left on the thread.

    Attributes:
        source: What was opened; None before the end, and where nothing was.
    """

    def __init__(self, make: Callable[[], Opened]) -> None:
        self.source: Opened | None = None
        self._make = make
        self._lock = threading.Lock()
        self._is_given_up = False
        self._thread = threading.Thread(target=self._open, name="reopen", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has come to an end."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def give_up(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._is_given_up = True
            source, self.source = self.source, None
        if source is not None:
            source.__exit__(None, None, None)

    def _open(self) -> None:
        with contextlib.suppress(DeviceError):  # not there yet
            source = self._make().__enter__()
            with self._lock:
                if not self._is_given_up:
                    self.source = source
                    return
            source.__exit__(None, None, None)
