"""Standard streams as a service meets them: closed, full or read by nobody."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

from engine.errors import ConfigError, KwsError


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
    """Write a line of data to stdout, at once.

    Raises:
        BrokenPipeError: Nobody reads it any more.
        KwsError: It cannot be written, for example because the disk is full.
    """
    try:
        print(line.encode(errors="backslashreplace").decode(), flush=True)
    except OSError as err:
        _discard(sys.stdout)
        if isinstance(err, BrokenPipeError):
            raise
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
    """Write a line for people to stderr; a full or closed log never ends the listening."""
    try:
        # One write: lines of several threads must not run into each other.
        print(f"kws: {text}\n", end="", file=sys.stderr, flush=True)
    except OSError:
        _discard(sys.stderr)


def _discard(stream: TextIO) -> None:
    # What could not be written stays in the buffer; Python tries again at exit, complains, and
    # changes the exit status.
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
