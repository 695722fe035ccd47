"""What nobody expected: written to the log, shown once, and the end of the program in order.

An error ends the program, wherever it was raised: what it left half done would go on as if all were
well. What Python can only report (in a destructor, say) and what Qt complains about is logged.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from qtpy.QtCore import QObject, Qt, QThread, QtMsgType, Signal, qInstallMessageHandler
from qtpy.QtWidgets import QApplication

from kws_app.crash_log import ErrorInfo, PrivateFile, describe, without_names
from kws_app.gui.crash_dialog import show_crash_dialog
from kws_app.streams import say

Show: TypeAlias = Callable[[str, Path], None]

_MAX_ERRORS = 50  # one that comes with every frame must not push the first one out of the log
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class CrashGuard(QObject):
    """Takes over what nobody catches, from `install` to `uninstall`.

    Attributes:
        log: For others who have something for the log; nothing of it goes elsewhere.
    """

    _failed = Signal()

    def __init__(
        self, log_path: Path, *, show: Show = show_crash_dialog, verbose: bool = False
    ) -> None:
        """Open nothing yet: the log is made with its first line.

        Args:
            log_path: Of the log.
            show: Shows a report and the log's path, and comes back when a person has seen them.
            verbose: Log also what Qt says in passing, and the names of files.
        """
        super().__init__()
        self._path = log_path
        self._show = show
        self._names = verbose
        self._count = 0
        self._report = ""
        self._lock = threading.Lock()
        self._handler = PrivateFile(log_path)
        self.log = logging.getLogger("kws.window")
        self.log.setLevel(logging.DEBUG if verbose else logging.WARNING)
        self.log.propagate = False
        self.log.handlers[:] = [self._handler]
        self._before: tuple[Any, ...] | None = None
        queued = (
            Qt.ConnectionType.QueuedConnection
        )  # from any thread, and after the slot that failed
        self._failed.connect(self._end, queued)

    @property
    def status(self) -> int:
        """What the program's exit status has to be: 1 after an error, else 0."""
        return 1 if self._count else 0

    def install(self) -> None:
        """Take over; a second time it does nothing."""
        if self._before is not None:
            return
        hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._before = (*hooks, qInstallMessageHandler(self._on_qt_message))
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error
        sys.unraisablehook = self._on_unraisable

    def uninstall(self) -> None:
        """Give back what was there before, and close the log."""
        if self._before is None:
            return
        sys.excepthook, threading.excepthook, sys.unraisablehook, qt = self._before
        qInstallMessageHandler(qt)
        self._before = None
        self._handler.close()

    def _on_error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if isinstance(error, KeyboardInterrupt):  # Ctrl-C while a slot ran
            application = QApplication.instance()
            if application is not None:
                application.exit(0)
            return
        self._take((kind, error, trace), "error")

    def _on_thread_error(self, arguments: threading.ExceptHookArgs) -> None:
        error = arguments.exc_value
        if error is None or isinstance(error, SystemExit):
            return
        name = arguments.thread.name if arguments.thread else "gone"
        self._take((type(error), error, arguments.exc_traceback), f"error on thread {name}")

    def _on_unraisable(self, unraisable: sys.UnraisableHookArgs) -> None:
        error = unraisable.exc_value
        if error is not None:
            info = (type(error), error, unraisable.exc_traceback)
            text = describe(info, names=self._names)
            self.log.error("%s\n%s", unraisable.err_msg or "ignored", text)

    def _on_qt_message(self, kind: QtMsgType, _: object, text: str | None) -> None:
        said = text or ""
        self.log.log(
            _LEVELS.get(kind, logging.WARNING),
            "Qt: %s",
            said if self._names else without_names(said),
        )
        if kind == QtMsgType.QtFatalMsg:  # Qt aborts now
            say(said)

    def _take(self, info: ErrorInfo, what: str) -> None:
        report = describe(info, names=self._names)
        with self._lock:
            self._count += 1
            count = self._count
        if count <= _MAX_ERRORS:
            self.log.error("%s\n%s", what, report)
        elif count == _MAX_ERRORS + 1:
            self.log.error("more errors follow, which are not logged")
        if count > 1:
            return
        self._report = report
        line = report.splitlines()[-1]
        where = f"the log is {self._path}" if self._path.exists() else "no log could be written"
        say(f"unexpected error: {line}; {where}")
        thread = QThread.currentThread()
        if thread is self.thread() and thread is not None and thread.loopLevel() == 0:
            self._present()  # before or after the event loop; Python ends by itself
        else:
            self._failed.emit()

    def _present(self) -> None:
        if QApplication.instance() is not None:
            self._show(self._report, self._path)

    def _end(self) -> None:
        try:
            self._present()
        finally:
            QApplication.exit(1)
