"""The log of what went wrong: small, for this person alone, without the names of recordings.

An error of the program goes to kws.log; a crash of the interpreter leaves the stacks of all threads
in a file beside it, which a normal end takes away again.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import logging.handlers
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TypeAlias

ErrorInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]

MAX_BYTES = 1 << 20
FILES = 3  # kws.log, kws.log.1, kws.log.2
_MOST_FAULTS = 5
# Sounds by their suffix, with the spaces of a path if it begins with a slash; then what is quoted
# or stands alone and has a slash in it.
_NAMES = (
    r"(?:~|\.{0,2})/[^\n'\"]*?\.(?:wav|flac|ogg|opus|mp3|aiff?|npz)\b",
    r"[^\s'\"/]+\.(?:wav|flac|ogg|opus|mp3|aiff?|npz)\b",
    r"(?<=')[^'\n]*/[^'\n]*(?=')",
    r"(?<=\")[^\"\n]*/[^\"\n]*(?=\")",
    r"(?<![\w<])(?<!http:/)(?<!https:/)[~.\w-]*/[\w.-][^\s'\":;,]*",
)
_NAME = re.compile("|".join(_NAMES), re.IGNORECASE)


class PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating log that only its owner reads, and that never fails its caller."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=MAX_BYTES, backupCount=FILES - 1, encoding="utf-8", delay=True
        )
        form = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
        form.converter = time.gmtime
        self.setFormatter(form)

    def _open(self) -> IO[str]:  # type: ignore[override]
        path = Path(self.baseFilename)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return open_private(path)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk is no reason for another error."""


def open_private(path: Path) -> IO[str]:
    """Open to append, mode 0600."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o600)

    return open(path, "a", encoding="utf-8", errors="replace", opener=opener)


def without_names(text: str) -> str:
    """The text with the names of files left out."""
    return _NAME.sub("<path>", text)


def describe(info: ErrorInfo, *, names: bool) -> str:
    """The traceback of an error and of what led to it.

    Args:
        info: The error.
        names: Whether file names stay in the messages. Those of the program's own files always do.
    """
    whole = traceback.TracebackException(*info)
    return "".join(_lines(whole, names=names)).rstrip()


def _lines(error: traceback.TracebackException, *, names: bool) -> list[str]:
    lines: list[str] = []
    if error.__cause__ is not None:
        lines += [*_lines(error.__cause__, names=names), "\nwhich led to:\n\n"]
    elif error.__context__ is not None and not error.__suppress_context__:
        lines += [*_lines(error.__context__, names=names), "\nwhile that was handled:\n\n"]
    if error.stack:
        lines += ["Traceback (most recent call last):\n", *error.stack.format()]
    message = "".join(error.format_exception_only())
    lines.append(message if names else without_names(message))
    for inner in error.exceptions or ():
        lines += ["one of them:\n", *_lines(inner, names=names)]
    return lines


@contextmanager
def log_faults(log_path: Path) -> Iterator[None]:
    """Let a crash of the interpreter leave the stacks of all threads in faults-PID.log.

    Where that cannot be written they go to stderr.

    Args:
        log_path: Of the log beside it.
    """
    path = log_path.with_name(f"faults-{os.getpid()}.log")
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old_faults(path.parent)
        file = open_private(path)
    except OSError:
        with contextlib.suppress(AttributeError, ValueError, OSError):  # it may be closed
            faulthandler.enable(sys.stderr)
        yield
        return
    try:
        with file:
            faulthandler.enable(file)
            try:
                yield
            finally:
                faulthandler.disable()
    finally:
        with contextlib.suppress(OSError):  # a folder that is not empty stays
            if path.stat().st_size == 0:
                path.unlink()
            for folder in made:
                folder.rmdir()


def _remove_old_faults(folder: Path) -> None:
    """Keep the newest ones, and those of programs that run."""
    files = sorted(folder.glob("faults-*.log"), key=lambda file: file.stat().st_mtime)
    for file in files[: 1 - _MOST_FAULTS]:
        if not _is_running(file.stem.removeprefix("faults-")):
            file.unlink()


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except OSError:  # another user's
        return True
    return True
