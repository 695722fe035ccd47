"""Ties the window to its shell: settings that last, theme, tray, and an end in order."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from qtpy.QtCore import QTimer

from engine.errors import ConfigError
from kws_app.actions.action import Action
from kws_app.config_file import read_config_file
from kws_app.crash_log import without_names
from kws_app.gui.choices import with_recent
from kws_app.gui.colours import Colours
from kws_app.gui.first_session import OF_A_MODEL, first_session
from kws_app.gui.history import HeardRow
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session_state import State
from kws_app.gui.settings_dialog import SettingsDialog
from kws_app.gui.shell import Shell, run_window
from kws_app.gui.window_actions import ActionsState, WindowActions
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
        actions = command.actions or _actions_of(shell.preferences.path)
        # Of flags, environment and the named file: the person's own file records nothing by itself.
        alive.append(Application(shell, actions, record=command.settings.record))
        return alive[0].window

    return run_window(command, build)


def _actions_of(path: Path) -> tuple[Action, ...]:
    """Those of the person's own settings file; what is wrong with it is told by its reader."""
    try:
        return read_config_file(path, [item.name for item in fields(Settings)]).actions
    except ConfigError:
        return ()


class Application:
    """The window and its session in a shell.

    Args:
        shell: What the window is made with.
        actions: What keywords do, if the settings have them on.
        record: Where to record what is heard from the beginning, or None.

    Raises:
        KwsError: The model or a setting is refused, or the recording cannot be written.
    """

    def __init__(
        self, shell: Shell, actions: Sequence[Action] = (), *, record: Path | None = None
    ) -> None:
        self._shell = shell
        preferences = shell.preferences
        self.session, left_out = first_session(preferences)
        if record is not None:
            self.session.record_to(record)
        self.window = MainWindow(self.session, shell.theme.colours)
        self._dialog: SettingsDialog | None = None
        self._trouble: State | None = None
        self._unsaved = preferences.problem
        self._save_timer = QTimer(self.window)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(_SAVE_AFTER_MS)
        self._save_timer.timeout.connect(self._save)
        self.actions = WindowActions(actions, log_names=preferences.settings.verbose > 0)
        self.actions.is_held_back = self.window.own_sound.takes
        self._connect()
        self.session.on_detection = self.actions.put
        self.actions.follow(self.session.settings, self.session.manifest)
        self._left_out = "\n".join(left_out)
        if left_out:
            self.window.panes.show_notice(self._left_out, stays=True)
        if preferences.problem:
            self.window.panes.show_notice(preferences.problem, stays=True)
        panes, state = self.window.panes, preferences.window
        for splitter, sizes in ((panes.across, state.splitter_px), (panes.left, state.column_px)):
            if len(sizes) == splitter.count():
                splitter.setSizes(list(sizes))
        self.window.panes.picker.refresh()
        self.session.start()

    def _connect(self) -> None:
        shell, window = self._shell, self.window
        shell.application.aboutToQuit.connect(self._end)
        shell.theme.changed.connect(self._recolour)
        shell.tray.pause_asked.connect(lambda _: window.toggle())
        window.hides_on_close = lambda: (
            shell.preferences.window.close_to_tray and shell.tray.available
        )
        window.settings_changed.connect(self._keep)
        window.settings_refused.connect(self._refresh_dialog)
        window.state_changed.connect(self._show_state)
        window.word_heard.connect(self._show_word)
        window.visibility_changed.connect(shell.tray.set_window_visible)
        window.settings_asked.connect(self._open_settings)
        window.panes.actions_sign.clicked.connect(self._open_actions)
        self.actions.notice.connect(window.panes.show_notice)
        self.actions.changed.connect(self._show_actions)
        window.quit_asked.connect(shell.application.quit)

    def _open_settings(self) -> None:
        if self._dialog is None:
            dialog = SettingsDialog(self.session, self._shell.preferences.window, self.window)
            dialog.settings_wanted.connect(lambda changes: self.window.change(**changes))
            dialog.model_wanted.connect(self._choose_model)
            dialog.threshold_wanted.connect(self.window.set_threshold)
            dialog.enabled_wanted.connect(self.window.set_enabled)
            dialog.theme_wanted.connect(self._choose_theme)
            dialog.close_to_tray_wanted.connect(self._choose_tray)
            self._dialog = dialog
        self._dialog.show()
        self._refresh_dialog()
        self._dialog.raise_()

    def _open_actions(self) -> None:
        self._open_settings()
        if self._dialog is not None:
            self._dialog.show_actions_page()

    def _show_actions(self, state: ActionsState) -> None:
        self.window.panes.actions_sign.show_state(state)
        self._refresh_dialog()

    def _refresh_dialog(self) -> None:
        if self._dialog is not None and self._dialog.isVisible():
            self._dialog.show_in_force(self._shell.preferences.window)
            self._dialog.actions.show_state(self.actions.state)

    def _keep(self, settings: Settings) -> None:
        preferences = self._shell.preferences
        preferences.update(vars(settings))
        recent = with_recent(preferences.window.recent_models, settings.model)
        preferences.update_window(recent_models=recent)
        self.actions.follow(settings, self.session.manifest)
        self._refresh_dialog()
        self._save_timer.start()

    def _choose_model(self, folder: Path) -> None:
        self.window.choose_model(folder)
        if self.session.settings.model == folder:  # also the one that stood in for what had gone
            self._shell.preferences.settle("model", *OF_A_MODEL)
            self.window.panes.clear_notice(self._left_out)
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
            self._unsaved = problem
        elif self._unsaved is not None and self._shell.preferences.problem is None:
            self.window.panes.clear_notice(self._unsaved)
            self._unsaved = None

    def _end(self) -> None:
        panes = self.window.panes
        self._shell.preferences.update_window(
            splitter_px=tuple(panes.across.sizes()), column_px=tuple(panes.left.sizes())
        )
        try:
            self.window.end()
        finally:
            self.actions.end()
