"""What ends the program from outside, Ctrl-C above all: one quiet way out from its first moment on.

The first signal asks for the end; those that follow find it under way.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
Handler = Callable[[int, FrameType | None], object] | int

_has_come = False
_is_cut_off = False


def leave_at_once() -> None:
    """End with status 0, without a word: while modules load there is nothing to tidy up.

    An import that is cut off by an exception fails in any way that its own code has for it.
    """
    _set(lambda *_: os._exit(0))


def interrupt() -> None:
    """Raise KeyboardInterrupt in the main thread, once, for any of them."""
    global _has_come, _is_cut_off
    _has_come = _is_cut_off = False
    _set(_raise_once)


def ignore() -> None:
    """Python's own end is under way, which an exception would litter with tracebacks."""
    _set(signal.SIG_IGN)


def has_come() -> bool:
    """Whether one has come since `interrupt`."""
    return _has_come


def is_cut_off() -> bool:
    """Whether one has raised KeyboardInterrupt since `interrupt`, and nothing was listened to."""
    return _is_cut_off


@contextlib.contextmanager
def call(stop: Callable[[], None]) -> Iterator[None]:
    """Each of them calls `stop`; the old handlers come back afterwards.

    So does one whose KeyboardInterrupt got lost before, as it does in what Python calls by itself.
    From here on an error is one, whether a signal has come or not: what was heard may be lost.
    """

    def take(*_: object) -> None:
        global _has_come
        _has_come = True
        stop()

    global _is_cut_off
    before = _set(take)
    try:
        if _is_cut_off:
            _is_cut_off = False
            stop()
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _raise_once(*_: object) -> None:
    global _has_come, _is_cut_off
    if not _has_come:
        _has_come = _is_cut_off = True
        raise KeyboardInterrupt


def _set(handler: Handler) -> dict[signal.Signals, Handler]:
    """What was there before."""
    before: dict[signal.Signals, Handler] = {}
    for name in _NAMES:
        number = getattr(signal, name, None)
        # nohup has it ignored, and means it; a shell's & has SIGINT ignored, for no good reason.
        if number is None or (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            continue
        before[number] = signal.getsignal(number) or signal.SIG_DFL
        signal.signal(number, handler)
    return before
