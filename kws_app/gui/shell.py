"""Everything around the window, from the command to the exit status, in the order that it needs.

`display.require_display` comes before this module is imported: it imports Qt.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from qtpy.QtCore import QByteArray, QObject, QSocketNotifier, QTimer
from qtpy.QtWidgets import QApplication, QWidget

from kws_app.crash_log import log_faults
from kws_app.folders import log_file, settings_file
from kws_app.gui.crash import CrashGuard, Show
from kws_app.gui.crash_dialog import show_crash_dialog
from kws_app.gui.display import hang_up
from kws_app.gui.icons import application_icon
from kws_app.gui.preferences import Preferences
from kws_app.gui.single_instance import SingleInstance, show_window
from kws_app.gui.theme import Theme, prepare_high_dpi
from kws_app.gui.tray import Tray
from kws_app.gui.window_state import from_base64, to_base64
from kws_app.settings import Command
from kws_app.streams import say


@dataclass(frozen=True, kw_only=True)
class Shell:
    """What a window is made with."""

    application: QApplication
    preferences: Preferences
    theme: Theme
    tray: Tray
    guard: CrashGuard


def run_window(
    command: Command, build: Callable[[Shell], QWidget], *, show_error: Show = show_crash_dialog
) -> int:
    """Show a window until it is closed.

    Args:
        command: What was asked for; the file that it names, or else the person's own, has the
            settings.
        build: Makes the window, and ties what has to end in order to the application's
            `aboutToQuit`.
        show_error: Shows an unexpected error.

    Returns:
        The exit status: 0, also when there is a window already, or 1 after an unexpected error.

    Raises:
        KwsError: There is one, and it does not answer; or `build` raised it.
    """
    application = _make_application()
    instance = SingleInstance()
    if not instance.acquire():
        say("runs already: its window was shown, and what this start was given was not used")
        return 0
    guard = CrashGuard(log_file(), show=show_error, verbose=command.settings.verbose > 0)
    guard.install()
    signals = _Signals(application)  # before there is anything that has to end in order
    try:
        with log_faults(log_file()):
            shell = _make_shell(command, application, guard)
            return _run(shell, build(shell), instance) or guard.status
    finally:
        signals.give_back()
        instance.release()
        guard.uninstall()


def _make_application() -> QApplication:
    prepare_high_dpi()
    application = QApplication(["kws"])
    hang_up()
    application.setApplicationName("kws")
    application.setDesktopFileName("kws")
    application.setWindowIcon(application_icon())
    return application


def _make_shell(command: Command, application: QApplication, guard: CrashGuard) -> Shell:
    preferences = Preferences.load(command.file or settings_file(), command.given)
    theme = Theme(application)
    theme.apply(preferences.window.theme)
    return Shell(
        application=application,
        preferences=preferences,
        theme=theme,
        tray=Tray(application),
        guard=guard,
    )


def _run(shell: Shell, window: QWidget, instance: SingleInstance) -> int:
    application, preferences, tray = shell.application, shell.preferences, shell.tray

    def bring(visible: bool) -> None:
        if visible:
            show_window(window)
        else:
            window.hide()

    def keep() -> None:
        preferences.update_window(geometry=to_base64(window.saveGeometry().data()))
        preferences.save()

    window.restoreGeometry(QByteArray(from_base64(preferences.window.geometry)))
    instance.asked.connect(lambda: bring(True))
    tray.window_asked.connect(bring)
    tray.quit_asked.connect(application.quit)
    tray.show(keep_running=preferences.window.close_to_tray)
    application.aboutToQuit.connect(keep)
    window.show()
    try:
        return int(application.exec_())
    finally:
        tray.hide()
        # Deleted while it is shown, it would send its last events to what is deleted already.
        for shown in application.topLevelWidgets():
            shown.hide()


class _Signals(QObject):
    """Ctrl-C, SIGTERM and a closed terminal end the program as its menu does.

    Python handles signals between two steps of its own, and Qt's loop has none while nothing
    happens: a descriptor that Python writes to wakes it up.
    """

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(
            self._reader.fileno(),
            QSocketNotifier.Type.Read,
            self,
        )
        self._notifier.activated.connect(self._read)
        # By way of the loop: one that does not run yet would not hear of it.
        self._before = {
            number: signal.signal(number, lambda *_: QTimer.singleShot(0, application.quit))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
            if signal.getsignal(number) != signal.SIG_IGN  # nohup wants it so
        }

    def give_back(self) -> None:
        """Handle signals as before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def _read(self, *_: object) -> None:
        self._reader.recv(64)
