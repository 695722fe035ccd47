"""The window: what is heard at a glance, and what can be done about it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSize, QTimer, Signal
from qtpy.QtGui import QCloseEvent, QHideEvent, QShowEvent
from qtpy.QtWidgets import QMainWindow, QWidget

from engine.errors import KwsError
from engine.manifest import load_manifest
from engine.types import Heard
from kws_app.gui import files
from kws_app.gui.bridge import Bridge
from kws_app.gui.choices import for_model
from kws_app.gui.colours import Colours
from kws_app.gui.exposure import Exposure
from kws_app.gui.heard_rows import rows_of
from kws_app.gui.history import HeardRow
from kws_app.gui.menus import add_menus, menus_of
from kws_app.gui.moments import Moments
from kws_app.gui.own_sound import OwnSound
from kws_app.gui.panes import Panes
from kws_app.gui.player import Player
from kws_app.gui.row_actions import RowActions
from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update
from kws_app.gui.stretch import Stretch
from kws_app.settings import Settings

_SLOW_MS = 1_000
_FIRST_SIZE = QSize(1_040, 720)  # until it was left otherwise


class MainWindow(QMainWindow):
    """Shows a session and steers it.

    Args:
        session: What listens; started and closed by the window's owner.
        colours: Theme.
        player: Plays clips.
        parent: Owner.
    """

    settings_changed = Signal(object)
    settings_refused = Signal()
    state_changed = Signal(object, str)
    word_heard = Signal(object)
    settings_asked = Signal()
    quit_asked = Signal()
    hidden_instead_of_closed = Signal()
    visibility_changed = Signal(bool)

    def __init__(
        self,
        session: Session,
        colours: Colours,
        *,
        player: Player | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("kws")
        self.resize(_FIRST_SIZE.boundedTo(self.screen().availableSize()))
        self._session = session
        self._told_settings = session.settings
        self._player = player or Player()
        self.own_sound = OwnSound(session, self._player)
        self._stream = 0
        self._last_heard_at: float | None = None
        self.hides_on_close: Callable[[], bool] = lambda: False
        self.panes = Panes(session.manifest, session.decision, colours)
        self.setCentralWidget(self.panes)
        self.setStatusBar(self.panes.costs)
        self.moments = Moments(session, self._player, colours, self)
        self.rows = RowActions(session, self.panes.history, self._player, self)
        self.bridge = Bridge(session, self)
        self.exposure = Exposure(self)
        self._slow = QTimer(self)
        self._slow.setInterval(_SLOW_MS)
        self._connect()
        self.menu_actions = add_menus(self, menus_of(self))
        self.panes.history_view.set_actions(self.menu_actions)
        self.bridge.start()
        self._slow.start()

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self.panes.set_colours(colours)
        self.panes.show_state(self._session)
        self.moments.set_colours(colours)

    def toggle(self) -> None:
        """Pause, or go on listening."""
        if self._session.is_running or self._session.state in (State.NO_DEVICE, State.RECOVERING):
            self._session.pause()
        else:
            self._session.start()
        self.bridge.poll()

    def apply(self, settings: Settings) -> None:
        """Take other settings; what is refused is shown and changes nothing."""
        model = self._session.manifest
        try:
            self._session.apply(settings)
        except KwsError as err:
            self._refuse(err)
            return
        if self._session.manifest is not model:
            self._show_model()
        self.panes.set_decision(self._session.decision)
        self._tell_settings()

    def change(self, **values: Any) -> None:
        """Take other values of some settings."""
        try:
            settings = replace(self._session.settings, **values)
        except KwsError as err:
            self._refuse(err)
            return
        self.apply(settings)

    def _refuse(self, err: KwsError) -> None:
        """Say what was refused, and show again what is in force."""
        self.panes.show_notice(str(err))
        self.panes.set_decision(self._session.decision)
        self.panes.show_state(self._session)
        self.settings_refused.emit()

    def choose_device(self, device: str | None) -> None:
        """Listen to a microphone."""
        self.change(device=device, input=None, realtime=False)

    def choose_model(self, folder: Path) -> None:
        """Take another model, with the thresholds that it was calibrated with."""
        try:
            changes = for_model(self._session.settings, load_manifest(folder))
        except KwsError as err:
            self._refuse(err)
            return
        self.change(**changes)

    def open_recording(self, path: Path | None = None) -> None:
        """Listen to a sound file, at its own speed."""
        path = path or files.ask_recording_to_open(self)
        if path is not None:
            self.change(device=None, input=str(path))

    def toggle_recording(self, path: Path | None = None) -> None:
        """Record what the model hears, or end that."""
        try:
            if self._session.recording.path is not None:
                self._session.record_to(None)
            elif (path := path or files.ask_recording_to_write(self)) is not None:
                self._session.record_to(path)
        except KwsError as err:
            self.panes.show_notice(str(err))
        self.bridge.poll()

    def set_threshold(self, keyword: str, threshold: float) -> None:
        """Let a keyword fire at another smoothed posterior."""
        self.change(threshold={**self._session.settings.threshold, keyword: threshold})

    def set_enabled(self, keyword: str, is_enabled: bool) -> None:
        """Listen for a keyword, or not."""
        words = list(self._session.decision.operating_points)
        if is_enabled and keyword not in words:
            words = [w for w in self._session.manifest.keywords if w in (*words, keyword)]
        elif not is_enabled:
            words = [word for word in words if word != keyword]
        everything = words == list(self._session.manifest.keywords)
        self.change(keywords=None if everything else tuple(words))

    def explain_newest(self) -> None:
        """Explain the newest detection."""
        if self.panes.history.rowCount():
            self._explain_row(self.panes.history.row(0))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  Qt's name
        """Tell that it is there."""
        self.visibility_changed.emit(True)
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        """Tell that it is put away."""
        self.visibility_changed.emit(False)
        super().hideEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """End every thread, or only hide where a tray icon stays."""
        if self.hides_on_close():
            event.ignore()
            self.hide()
            self.hidden_instead_of_closed.emit()
            return
        self.end()
        super().closeEvent(event)

    def end(self) -> None:
        """End every thread and process; may be called again."""
        self.bridge.stop()
        self._slow.stop()
        self.panes.close_children()
        self._player.join(0.2)
        self.moments.join(0.5)
        self._session.close()  # last: it may raise what ended a stream

    def _connect(self) -> None:
        panes = self.panes
        self.bridge.updated.connect(self._show)
        self._slow.timeout.connect(self._show_slow)
        self.exposure.changed.connect(self._show_again)
        panes.toggle_asked.connect(self.toggle)
        panes.record_asked.connect(lambda: self.toggle_recording())
        panes.open_asked.connect(lambda: self.open_recording())
        panes.settings_asked.connect(self.settings_asked)
        panes.picker.chosen.connect(self.choose_device)
        panes.picker.problem.connect(panes.show_notice)
        panes.bars.threshold_changed.connect(self.set_threshold)
        panes.bars.enabled_changed.connect(self.set_enabled)
        panes.waterfall.asked.connect(lambda sample: self.moments.explain(sample, self._stream))
        panes.history_view.play_asked.connect(self.rows.play)
        panes.history_view.explain_asked.connect(self._explain_row)
        panes.history_view.label_asked.connect(self.rows.label)
        panes.history_view.export_asked.connect(lambda: self.rows.export())
        for part in (self.moments, self.rows):
            part.notice.connect(panes.show_notice)
        self.moments.labelled.connect(self.rows.label_window)

    def _show_title(self) -> None:
        """For the task bar, where the window is not seen."""
        title = f"kws: {self._session.state.value}"
        is_recording = self._session.recording.path is not None
        self.setWindowTitle(f"● {title}, recording" if is_recording else title)

    def _show(self, update: Update) -> None:
        """Everything that is new, on the window's thread."""
        session, panes = self._session, self.panes
        for stretch, heard in update.earlier:
            self._add(heard, stretch)
        if session.stream != self._stream:
            self._stream = session.stream
            panes.new_stream()
        if update.is_changed:
            self._tell_settings()  # what failed gave way to what was before
            panes.show_state(session)
            self._show_title()
            self.state_changed.emit(session.state, session.problem)
            if session.settings.model != panes.model:
                self._show_model()
        for notice in update.notices:
            panes.show_notice(notice)
        if update.heard:
            self._add(update.heard, session.stretch)
        if update.stats is not None and session.is_running:
            panes.costs.show_stats(update.stats)
        if self.exposure.is_seen:
            panes.show_audio(update, session)

    def _show_model(self) -> None:
        self.panes.set_model(self._session.manifest, self._session.decision)
        self.moments.set_model()

    def _tell_settings(self) -> None:
        if self._session.settings is not self._told_settings:
            self._told_settings = self._session.settings
            self.settings_changed.emit(self._told_settings)

    def _add(self, heard: list[Heard], stretch: Stretch) -> None:
        rows = rows_of(heard, stretch, self.own_sound.took)
        self.panes.history.add(rows)
        self.panes.last_word.show_row(rows[-1])
        self._last_heard_at = time.monotonic()
        for row in rows:
            self.word_heard.emit(row)

    def _show_slow(self) -> None:
        """What changes once a second."""
        if (problem := self._player.take_problem()) is not None:
            self.panes.show_notice(problem)
        if not self.exposure.is_seen:
            return
        if self._last_heard_at is not None:
            self.panes.last_word.show_age(time.monotonic() - self._last_heard_at)
        self.panes.costs.show_processor()
        self.panes.costs.show_building(self._session.building)

    def _show_again(self, is_seen: bool) -> None:
        """Somebody looks again: show what was missed. Nobody does: paint nothing."""
        self.bridge.set_visible(is_seen)
        if is_seen:
            self.panes.waterfall.show_newest(self._session.memory.moments())
            self._show_slow()

    def _explain_row(self, row: HeardRow) -> None:
        self.moments.explain(row.end_sample, row.stream)
