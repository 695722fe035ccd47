"""The icon in the desktop's tray; everything also works on desktops without one."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QAction, QApplication, QMenu, QSystemTrayIcon

from kws_app.gui.icons import STATES, state_icon

_STATE_TEXTS = {
    "listening": "kws: listening",
    "paused": "kws: paused",
    "error": "kws: not listening",
}


class Tray(QObject):
    """An icon with a menu. It knows no session: it is told what to show and says what was chosen.

    Attributes:
        window_asked: The window is to be shown (True) or hidden (False).
        pause_asked: Listening is to pause (True) or go on (False).
        quit_asked: The program is to end.
    """

    window_asked = Signal(bool)
    pause_asked = Signal(bool)
    quit_asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._icons = {state: state_icon(state) for state in STATES}
        self._state = "listening"
        self._window_visible = True
        self._menu = QMenu()
        self._window_action = self._add("&Hide window", self._ask_window)
        self._pause_action = self._add("&Pause", self._ask_pause)
        self._menu.addSeparator()
        self._word_action = self._add("No word yet")
        self._menu.addSeparator()
        self._add("&Quit", self.quit_asked.emit)
        self._icon = QSystemTrayIcon(self._icons["listening"], self)
        self._icon.setToolTip(_STATE_TEXTS["listening"])
        self._icon.setContextMenu(self._menu)
        self._icon.activated.connect(self._on_activated)

    @property
    def available(self) -> bool:
        """Whether the desktop has a tray at the moment."""
        return bool(QSystemTrayIcon.isSystemTrayAvailable())

    @property
    def menu(self) -> QMenu:
        """The menu; its texts and states are what is shown."""
        return self._menu

    def show(self, *, keep_running: bool) -> bool:
        """Show the icon where there is a tray.

        Args:
            keep_running: Closing the window only hides it, if the icon is there to bring it back.

        Returns:
            Whether closing the window leaves the program running. If not, it ends with its last
            window.
        """
        self._icon.show()
        stays = keep_running and self.available
        QApplication.setQuitOnLastWindowClosed(not stays)
        return stays

    def hide(self) -> None:
        """Take the icon away; closing the last window ends the program."""
        self._icon.hide()
        QApplication.setQuitOnLastWindowClosed(True)

    def set_state(self, state: str) -> None:
        """Show how it is going: one of `icons.STATES`."""
        self._state = state
        self._icon.setIcon(self._icons[state])
        self._icon.setToolTip(_STATE_TEXTS[state])
        self._pause_action.setText("&Pause" if state == "listening" else "&Listen")

    def set_window_visible(self, visible: bool) -> None:
        """Tell whether the window is shown, for the menu's first line."""
        self._window_visible = visible
        self._window_action.setText("&Hide window" if visible else "&Show window")

    def set_last_word(self, text: str) -> None:
        """Show what was heard last, for example "yes, 12:04:05"."""
        self._word_action.setText(text.replace("&", "&&"))

    def notify(self, text: str) -> None:
        """Let the desktop show a message; nothing happens without a tray."""
        if self._icon.isVisible() and QSystemTrayIcon.supportsMessages():
            self._icon.showMessage("kws", text, self._icons[self._state])

    def _add(self, text: str, chosen: Callable[[], None] | None = None) -> QAction:
        action = QAction(text, self._menu)
        if chosen is None:
            action.setEnabled(False)
        else:
            action.triggered.connect(lambda: chosen())
        self._menu.addAction(action)
        return action

    def _ask_window(self) -> None:
        self.window_asked.emit(not self._window_visible)

    def _ask_pause(self) -> None:
        self.pause_asked.emit(self._state == "listening")

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:  # a click; a menu has its own
            self._ask_window()
