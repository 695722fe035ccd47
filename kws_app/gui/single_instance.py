"""One window a person: a second start asks the first one to show itself, and ends.

The lock is the kernel's, on an open file, like the ledger's: it is gone with its process, however
that ended. QLockFile compares process numbers instead, and those are used again; in a container,
after every start.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path
from typing import IO

from qtpy.QtCore import QObject, Signal
from qtpy.QtNetwork import QLocalServer, QLocalSocket
from qtpy.QtWidgets import QWidget

from engine.errors import KwsError
from kws_app.crash_log import open_private
from kws_app.folders import make_private, runtime_folder
from kws_app.streams import say

_ASK, _ANSWER = b"show\n", b"shown\n"
_ANSWER_TIMEOUT_MS = 3_000
_RETRY_S = 0.05
_MODE = 0o600


class SingleInstance(QObject):
    """Holds the lock, and hears who else starts.

    Attributes:
        asked: Another start wants the window to be shown; `show_window` is for it.
    """

    asked = Signal()

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = runtime_folder() if folder is None else folder
        self._lock: IO[str] | None = None
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._answer)

    def acquire(self) -> bool:
        """Become the one instance.

        Returns:
            False if there is one already; its window was shown.

        Raises:
            KwsError: There is one, and it does not answer; or the folder cannot be used.
        """
        make_private(self._folder)
        end = time.monotonic() + _ANSWER_TIMEOUT_MS / 1000
        while not self._try_lock():
            if self._ask():
                return False
            if time.monotonic() > end:
                raise KwsError(
                    f"kws runs already (process {self._holder()}), and its window does not answer; "
                    f"end it, or wait for it"
                )
            time.sleep(_RETRY_S)  # it is just starting, or just ending
        # A socket that a killed one left is replaced: so Qt makes one for a single user.
        if not self._server.listen(self._address):
            say(
                f"cannot listen at {self._address}: {self._server.errorString()}; "
                "a second start will be refused, and not show this window"
            )
        return True

    def release(self) -> None:
        """Let the next one start; safe to call twice."""
        self._server.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def _address(self) -> str:
        return str(self._folder / "window.socket")

    @property
    def _lock_path(self) -> Path:
        return self._folder / "window.lock"

    def _try_lock(self) -> bool:
        try:
            file = open_private(self._lock_path)
            os.fchmod(file.fileno(), _MODE)  # also one that was made before, open to others
        except OSError as err:
            raise KwsError(f"cannot open {self._lock_path}: {err.strerror}") from err
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return False
        # The number is a courtesy to a second start: a full folder is no reason not to begin.
        with contextlib.suppress(OSError):
            os.ftruncate(file.fileno(), 0)
            os.pwrite(file.fileno(), f"{os.getpid()}\n".encode(), 0)
        self._lock = file
        return True

    def _holder(self) -> str:
        return self._lock_path.read_text(encoding="utf-8").strip() or "unknown"

    def _ask(self) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._address)
        if not socket.waitForConnected(_ANSWER_TIMEOUT_MS):
            return False
        socket.write(_ASK)
        shown = socket.waitForReadyRead(_ANSWER_TIMEOUT_MS)
        return bool(shown and socket.readAll().data() == _ANSWER)

    def _answer(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(self._hear)
            if socket.bytesAvailable():
                self._reply(socket)

    def _hear(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket):
            self._reply(socket)

    def _reply(self, socket: QLocalSocket) -> None:
        asked = socket.readAll().data() == _ASK
        if asked:
            socket.write(_ANSWER)
            socket.flush()
        socket.disconnectFromServer()
        if asked:
            self.asked.emit()


def show_window(window: QWidget) -> None:
    """Bring a window to the front, whether hidden, minimised or behind others."""
    if window.isMinimized():
        window.showNormal()
    window.show()
    window.raise_()
    window.activateWindow()
