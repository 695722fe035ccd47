"""Ties the window to its shell: settings that last, theme, tray, and an end in order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from qtpy.QtCore import QObject, QTimer, Signal

from engine.errors import ConfigError
from kws_app.actions.action import Action
from kws_app.actions.runner import ActionRunner
from kws_app.actions.wiring import make_runner
from kws_app.config_file import read_config_file
from kws_app.gui.choices import with_recent
from kws_app.gui.colours import Colours
from kws_app.gui.crash_log import without_names
from kws_app.gui.history import HeardRow
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session, State
from kws_app.gui.settings_dialog import SettingsDialog
from kws_app.gui.shell import Shell, run_window
from kws_app.settings import Command, Settings

# A dragged threshold changes many times a second.
_SAVE_AFTER_MS = 1_000
_TROUBLE = (State.RECOVERING, State.NO_DEVICE, State.FAILED)
_TRAY_STATES = {
    State.LISTENING: "listening",
    State.STARTING: "listening",
    State.PAUSED: "paused",
    State.FINISHED: "paused",
}


def open_window(command: Command) -> int:
    """Show the window until it is closed; returns the exit status.

    Raises:
        KwsError: The model or a setting is refused, or another window does not answer.
    """
    alive: list[Application] = []  # Qt holds no reference to what its signals call

    def build(shell: Shell) -> MainWindow:
        alive.append(Application(shell, command.actions or _actions_of(shell.preferences.path)))
        return alive[0].window

    return run_window(command, build)


def _actions_of(path: Path) -> tuple[Action, ...]:
    """Those of the person's own settings file; what is wrong with it is told by its reader."""
    try:
        return read_config_file(path, [item.name for item in fields(Settings)]).actions
    except ConfigError:
        return ()


class _Lines(QObject):
    """Lines of the runner's thread, handed to the window's."""

    said = Signal(str)


class Application:
    """The window and its session in a shell.

    Args:
        shell: What the window is made with.
        actions: What keywords do, if the settings have them on.
    """

    def __init__(self, shell: Shell, actions: Sequence[Action] = ()) -> None:
        self._shell = shell
        preferences = shell.preferences
        self.session = Session(preferences.settings)
        self.window = MainWindow(self.session, shell.theme.colours)
        self._dialog: SettingsDialog | None = None
        self._trouble: State | None = None
        self._save_timer = QTimer(self.window)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._save)
        self._connect()
        self._start_actions(actions)
        if preferences.problem:
            self.window.panes.show_notice(preferences.problem)
        panes, state = self.window.panes, preferences.window
        for splitter, sizes in ((panes.across, state.splitter_px), (panes.left, state.column_px)):
            if len(sizes) == splitter.count():
                splitter.setSizes(list(sizes))
        self.window.panes.picker.refresh()
        self.session.start()

    def _start_actions(self, actions: Sequence[Action]) -> None:
        self._lines = _Lines()
        self._lines.said.connect(self.window.panes.show_notice)
        self._lines.said.connect(logging.getLogger("kws").info)
        self._runner: ActionRunner | None = None
        settings = self.session.settings
        try:
            self._runner = make_runner(
                settings.actions, actions, self.session.manifest, self._lines.said.emit
            )
        except ConfigError as err:
            self.window.panes.show_notice(f"actions are off: {err}")
            return
        self._runner.start()
        self.session.on_detection = self._runner.put

    def _connect(self) -> None:
        shell, window = self._shell, self.window
        shell.application.aboutToQuit.connect(self._end)
        shell.theme.changed.connect(self._recolour)
        shell.tray.pause_asked.connect(lambda _: window.toggle())
        window.hides_on_close = lambda: (
            shell.preferences.window.close_to_tray and shell.tray.available
        )
        window.settings_changed.connect(self._keep)
        window.state_changed.connect(self._show_state)
        window.word_heard.connect(self._show_word)
        window.visibility_changed.connect(shell.tray.set_window_visible)
        window.settings_asked.connect(self._open_settings)
        window.quit_asked.connect(shell.application.quit)

    def _open_settings(self) -> None:
        if self._dialog is None:
            dialog = SettingsDialog(self.session, self._shell.preferences.window, self.window)
            dialog.settings_wanted.connect(lambda changes: self.window.change(**changes))
            dialog.model_wanted.connect(self.window.choose_model)
            dialog.threshold_wanted.connect(self.window.set_threshold)
            dialog.enabled_wanted.connect(self.window.set_enabled)
            dialog.theme_wanted.connect(self._choose_theme)
            dialog.close_to_tray_wanted.connect(self._choose_tray)
            self._dialog = dialog
        self._dialog.show()
        self._refresh_dialog()
        self._dialog.raise_()

    def _refresh_dialog(self) -> None:
        if self._dialog is not None and self._dialog.isVisible():
            self._dialog.show_in_force(self._shell.preferences.window)

    def _keep(self, settings: Settings) -> None:
        preferences = self._shell.preferences
        preferences.update(vars(settings))
        recent = with_recent(preferences.window.recent_models, settings.model)
        preferences.update_window(recent_models=recent)
        self._refresh_dialog()
        self._save_timer.start()

    def _choose_theme(self, choice: str) -> None:
        self._shell.preferences.update_window(theme=choice)
        self._shell.theme.apply(choice)
        self._save_timer.start()

    def _choose_tray(self, is_wanted: bool) -> None:
        self._shell.preferences.update_window(close_to_tray=is_wanted)
        self._shell.tray.show(keep_running=is_wanted)
        self._save_timer.start()

    def _recolour(self, colours: Colours) -> None:
        self.window.set_colours(colours)

    def _show_state(self, state: State, problem: str) -> None:
        self._shell.tray.set_state(_TRAY_STATES.get(state, "error"))
        log = logging.getLogger("kws.window")
        if state in _TROUBLE and state is not self._trouble:  # once, not with every new try
            log.warning("%s: %s", state.value, without_names(problem))
            self._trouble = state
        elif state is State.LISTENING and self._trouble is not None:
            log.warning("listening again")
            self._trouble = None
        self._refresh_dialog()

    def _show_word(self, row: HeardRow) -> None:
        self._shell.tray.set_last_word(f"{row.keyword}, {row.at:%H:%M:%S}")

    def _save(self) -> None:
        if (problem := self._shell.preferences.save()) is not None:
            self.window.panes.show_notice(problem)

    def _end(self) -> None:
        panes = self.window.panes
        self._shell.preferences.update_window(
            splitter_px=tuple(panes.across.sizes()), column_px=tuple(panes.left.sizes())
        )
        self.window.end()
        if self._runner is not None:
            self._runner.stop()
