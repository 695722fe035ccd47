"""Whether anybody can see a window: what is minimised or put away need not be painted."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QWidget

_TELLING = (
    QEvent.Type.Show,
    QEvent.Type.Hide,
    QEvent.Type.WindowStateChange,
    QEvent.Type.Expose,
)


class Exposure(QObject):
    """Watches a top-level window.

    A window that is minimised gets no hide event: Qt still calls it visible. The display server
    then says that nothing of it is exposed. A window that others cover is not told so on X11.

    Attributes:
        changed: Somebody can see it from now on (True), or nobody (False).

    Args:
        window: Top-level.
    """

    changed = Signal(bool)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._is_seen = False
        window.installEventFilter(self)

    @property
    def is_seen(self) -> bool:
        """Whether somebody can see it."""
        return self._is_seen

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """Look again when something has happened to the window; events go their way."""
        if event.type() in _TELLING:
            if event.type() == QEvent.Type.Show and watched is self._window:
                # The display server's side of it, which may be another one than the last time.
                self._window.windowHandle().installEventFilter(self)
            self._look()
        return False

    def _look(self) -> None:
        window, handle = self._window, self._window.windowHandle()
        is_seen = (
            window.isVisible()
            and not window.isMinimized()
            and handle is not None
            and handle.isExposed()
        )
        if is_seen != self._is_seen:
            self._is_seen = is_seen
            self.changed.emit(is_seen)
