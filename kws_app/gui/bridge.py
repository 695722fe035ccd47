"""The only crossing between threads: a timer on the window's thread asks the session."""

from __future__ import annotations

from qtpy.QtCore import QObject, QTimer, Signal

from kws_app.gui.session import Session

_VISIBLE_MS = 50  # scores come every 100 ms; Qt may be 5 % early, so at most 21 pictures a second
_HIDDEN_MS = 250  # detections and actions still come in time; nothing is painted


class Bridge(QObject):
    """Polls a session and hands on what happened.

    Args:
        session: Asked on the thread of this object.
        parent: Owner.
    """

    updated = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._timer = QTimer(self)
        self._timer.setInterval(_VISIBLE_MS)
        self._timer.timeout.connect(self.poll)

    def start(self) -> None:
        """Begin asking."""
        self._timer.start()

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()

    def set_visible(self, is_visible: bool) -> None:
        """Ask less often while nobody looks."""
        self._timer.setInterval(_VISIBLE_MS if is_visible else _HIDDEN_MS)

    def poll(self) -> None:
        """Ask once."""
        self.updated.emit(self._session.poll())
