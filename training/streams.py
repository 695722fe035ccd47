"""Standard streams as long runs meet them: closed, full, or read by nobody any more.

What cannot be printed is thrown away; it never ends a run.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO


def open_closed_streams() -> None:
    """Put the null device where a standard stream is closed, before a file takes its number."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  until the program ends
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115  until the program ends


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, on stdout if no other stream is named, if it can be printed."""
    with suppress(OSError, ValueError):
        print(text, file=stream, flush=True)


def flush_streams() -> None:
    """Print what is still kept; Python would complain of a stream that takes no more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            _discard(stream)


def _discard(stream: TextIO) -> None:
    # What could not be written stays in the buffer; Python tries again at exit, complains, and
    # changes the exit status.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
