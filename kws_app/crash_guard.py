"""What nobody expected, in the console: written to the log, told in one line, an end in order.

The first error counts, whichever thread it came from; what goes wrong while the program ends for it
is logged and not shown.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from engine.errors import KwsError
from engine.pipeline import Pipeline
from kws_app.crash_log import PrivateFile, describe
from kws_app.streams import say

# Ends of the usual kind: an error with a line of its own, a reader that has gone, Ctrl-C.
_EXPECTED = (KwsError, BrokenPipeError, KeyboardInterrupt, SystemExit)


class ConsoleGuard:
    """Takes over what no thread catches, from entering to leaving.

    Attributes:
        log: For others who have something for the log; nothing of it goes elsewhere.

    Args:
        log_path: Of the log, which is made with its first line.
        verbose: Show tracebacks, and keep the names of files in the log.
    """

    def __init__(self, log_path: Path, *, verbose: bool = False) -> None:
        self._path = log_path
        self._verbose = verbose
        self._handler = PrivateFile(log_path)
        self._pipeline: Pipeline | None = None
        self._first: BaseException | None = None
        self.log = logging.getLogger("kws.console")
        self.log.setLevel(logging.WARNING)
        self.log.propagate = False
        self.log.handlers[:] = [self._handler]
        self._before: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def __enter__(self) -> Self:
        """Take over."""
        self._before = (threading.excepthook, sys.unraisablehook)
        threading.excepthook = self._on_thread_error
        sys.unraisablehook = self._on_unraisable
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Give back what was there before.

        Raises:
            KwsError: An error that nobody expected, told for people.
            BaseException: The first error, where that was another one than the one that is passing.
        """
        if self._before is not None:
            threading.excepthook, sys.unraisablehook = self._before
        try:
            self._raise_first(error)
        finally:
            self._handler.close()

    def watch(self, pipeline: Pipeline) -> None:
        """End this one in order when something fails."""
        self._pipeline = pipeline

    def _raise_first(self, passing: BaseException | None) -> None:
        failure = self._pipeline.failure if self._pipeline is not None else None
        first = failure or self._first or passing
        if passing is not None and passing is not first and not isinstance(passing, _EXPECTED):
            self._write("while it ended", passing)
        if first is None:
            return
        if isinstance(first, _EXPECTED):
            if first is not passing:
                raise first
            return
        report = describe((type(first), first, first.__traceback__), names=self._verbose)
        self.log.error("error\n%s", report)
        if self._verbose:
            say(report)
        line = report.splitlines()[-1]
        where = f"the log is {self._path}" if self._path.exists() else "no log could be written"
        raise KwsError(f"unexpected error: {line}; {where}") from None

    def _on_thread_error(self, arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        if error is None or isinstance(error, SystemExit):
            return
        name = arguments.thread.name if arguments.thread else "gone"
        self._write(f"error on thread {name}", error)
        self._first = self._first or error
        if self._pipeline is not None:
            self._pipeline.fail(error)

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_value is not None:
            self._write(unraisable.err_msg or "ignored", unraisable.exc_value)

    def _write(self, what: str, error: BaseException) -> None:
        text = describe((type(error), error, error.__traceback__), names=self._verbose)
        self.log.error("%s\n%s", what, text)
