"""Ends a run between two steps when it is asked to: by Ctrl-C, a queue, or a lost terminal."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# torchrun passes on to its processes what a terminal has sent to them already.
_SAME_REQUEST_S = 1.0


class Interrupts:
    """Listens for SIGINT, SIGTERM and SIGHUP while it is entered, in the main thread.

    The first one is only noted; one more, a second later, ends whatever is being done. Signals
    that are ignored, as SIGHUP under nohup, stay so.

    Attributes:
        number: The signal that came; None so far.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._came_at = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {
                number: signal.signal(number, self._take)
                for number in _SIGNALS
                if signal.getsignal(number) is not signal.SIG_IGN
            }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.number is not None and now - self._came_at > _SAME_REQUEST_S:
            raise KeyboardInterrupt(number)
        if self.number is None:
            self.number, self._came_at = number, now
