"""Standard streams as a service meets them: closed, full or read by nobody."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from engine.errors import ConfigError, KwsError
from kws_app import signals

_LOOK_S = 0.2
# For a reader that stalls: while it ends, and before a line for people is given up.
_LAST_WAIT_S = 1.0
_SAY_WAIT_S = 0.2
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
del _CONTROLS[ord("\n")], _CONTROLS[ord("\t")]
_dropped = 0
_saying = threading.Lock()


def check_streams() -> None:
    """Make sure that stderr can be written to and that stdout is there.

    Raises:
        ConfigError: stdout is closed. Detections would vanish, or land in the next file that
            happens to be opened as descriptor 1.
    """
    if sys.stderr is None:
        # print(file=None) writes to stdout, which belongs to the data.
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  until the program ends
    if sys.stdout is None:
        raise ConfigError("standard output is closed; redirect it, for example to /dev/null")


def emit(line: str) -> None:
    """Write a line of data to stdout, at once; waits for a reader that stalls.

    Raises:
        BrokenPipeError: Nobody reads it any more, or the end was asked for while a reader stalls.
        KwsError: It cannot be written, for example because the disk is full.
    """
    try:
        _wait_for_reader()
        print(_plain(line), flush=True)
    except OSError as err:
        is_hung_up = err.errno == errno.EIO and _is_terminal(sys.stdout)
        _discard(sys.stdout)
        if isinstance(err, BrokenPipeError):
            raise
        if is_hung_up:
            raise BrokenPipeError from err
        raise KwsError(f"cannot write to standard output: {err.strerror}") from err


def ask(question: str) -> str | None:
    """A line that a person typed, without its end; None when there is nobody to ask.

    Raises:
        BrokenPipeError: Nobody reads the question.
        KwsError: It cannot be written.
    """
    if sys.stdin is None:
        return None
    try:
        print(question, end=" ", flush=True)
        line = sys.stdin.readline()
    except UnicodeDecodeError:
        return ""  # no word, but not the end either
    except OSError as err:
        _discard(sys.stdout)
        if isinstance(err, BrokenPipeError):
            raise
        raise KwsError(f"cannot ask on the terminal: {err.strerror}") from err
    return line.rstrip("\n") if line else None


def say(text: str) -> None:
    """Write a line for people to stderr; a full, closed or stalled log never ends the listening.

    Where its reader stalls the line is given up; the next one that is written says how many were.
    """
    global _dropped
    with _saying:
        if not _has_room(sys.stderr, _SAY_WAIT_S):
            _dropped += 1
            return
        before = f"kws: {_dropped} lines before this one had no reader\n" if _dropped else ""
        _dropped = 0
        try:
            # One write: lines of several threads must not run into each other.
            print(f"{before}kws: {_plain(text)}\n", end="", file=sys.stderr, flush=True)
        except OSError:
            _discard(sys.stderr)


def _wait_for_reader() -> None:
    """Return when stdout takes a line; raises BrokenPipeError."""
    give_up_at_s: float | None = None
    while not _has_room(sys.stdout, _LOOK_S):
        if give_up_at_s is None and signals.has_come():
            give_up_at_s = time.monotonic() + _LAST_WAIT_S
        if give_up_at_s is not None and time.monotonic() >= give_up_at_s:
            raise BrokenPipeError


def _has_room(stream: TextIO, wait_s: float) -> bool:
    """Whether a line can be written without waiting for a reader; a pipe takes 4096 bytes then."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLOUT)
        return bool(poll.poll(1000 * wait_s))
    except (AttributeError, OSError, ValueError):  # Windows, a stream of a test, a closed one
        return True


def _plain(text: str) -> str:
    """Without what a terminal would obey: names of files and words may come from others."""
    return text.encode(errors="backslashreplace").decode().translate(_CONTROLS)


def _is_terminal(stream: TextIO) -> bool:
    """Also of one that has been closed, which isatty denies."""
    return stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)


def _discard(stream: TextIO) -> None:
    # What could not be written stays in the buffer; Python tries again at exit, complains, and
    # changes the exit status.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
