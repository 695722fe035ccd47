"""The window: what is heard at a glance, and what can be done about it."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QCloseEvent, QHideEvent, QShowEvent
from qtpy.QtWidgets import QFileDialog, QMainWindow, QWidget

from engine.errors import KwsError
from engine.types import Float32, Heard
from kws_app.gui.attention import Attention
from kws_app.gui.bridge import Bridge
from kws_app.gui.colours import Colours
from kws_app.gui.exposure import Exposure
from kws_app.gui.heard_rows import rows_of
from kws_app.gui.history import MAX_CLIPS, HeardRow, to_csv, to_json_lines
from kws_app.gui.menus import Entry, add_menus
from kws_app.gui.panes import Panes
from kws_app.gui.player import Player
from kws_app.gui.session import Session, State, Update
from kws_app.gui.widgets.moment_view import MomentView
from kws_app.pcm import to_pcm
from kws_app.settings import Settings

_SLOW_MS = 1_000
_KINDS, _TABLES = "FLAC, WAV (*.flac *.wav)", "CSV (*.csv);;JSON lines (*.jsonl)"
_RECORDINGS = "Sound files (*.wav *.flac *.ogg *.opus *.mp3 *.aiff *.aif);;All files (*)"


class MainWindow(QMainWindow):
    """Shows a session and steers it.

    Args:
        session: What listens; started and closed by the window's owner.
        colours: Theme.
        player: Plays clips.
        parent: Owner.
    """

    settings_changed = Signal(object)
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
        self._session = session
        self._player = player or Player()
        self._moment_view: MomentView | None = None
        self._attention = self._made_attention()
        self._asked_sample = 0
        self._asked_stream = 0
        self._stream = 0
        self._last_heard_at: float | None = None
        self.hides_on_close: Callable[[], bool] = lambda: False
        self.panes = Panes(session.manifest, session.decision, colours)
        self.setCentralWidget(self.panes)
        self.setStatusBar(self.panes.costs)
        self.bridge = Bridge(session, self)
        self.exposure = Exposure(self)
        self._slow = QTimer(self)
        self._slow.setInterval(_SLOW_MS)
        self._connect()
        self.menu_actions = add_menus(self, self._menus())
        self.bridge.start()
        self._slow.start()

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self.panes.set_colours(colours)
        self.panes.show_state(self._session)
        if self._moment_view is not None:
            self._moment_view.close()
            self._moment_view = None

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
            self.panes.show_notice(str(err))
            self.panes.set_decision(self._session.decision)
            return
        if self._session.manifest is not model:
            self.panes.set_model(self._session.manifest, self._session.decision)
            self._attention = self._made_attention()
        self.panes.set_decision(self._session.decision)
        self.settings_changed.emit(self._session.settings)

    def choose_device(self, device: str | None) -> None:
        """Listen to a microphone."""
        self.apply(replace(self._session.settings, device=device, input=None))

    def open_recording(self, path: Path | None = None) -> None:
        """Listen to a sound file, at its own speed."""
        if path is None:
            name, _ = QFileDialog.getOpenFileName(self, "Open a recording", "", _RECORDINGS)
            if not name:
                return
            path = Path(name)
        self.apply(replace(self._session.settings, device=None, input=str(path)))

    def toggle_recording(self, path: Path | None = None) -> None:
        """Record what the model hears, or end that."""
        try:
            if self._session.recording.path is not None:
                self._session.record_to(None)
            else:
                path = path or self._ask_where("Record what the model hears", "heard.flac", _KINDS)
                if path is not None:
                    self._session.record_to(path)
        except KwsError as err:
            self.panes.show_notice(str(err))
        self.bridge.poll()

    def set_threshold(self, keyword: str, threshold: float) -> None:
        """Let a keyword fire at another smoothed posterior."""
        settings = self._session.settings
        self.apply(replace(settings, threshold={**settings.threshold, keyword: threshold}))

    def set_enabled(self, keyword: str, is_enabled: bool) -> None:
        """Listen for a keyword, or not."""
        words = list(self._session.decision.operating_points)
        if is_enabled and keyword not in words:
            words = [w for w in self._session.manifest.keywords if w in (*words, keyword)]
        elif not is_enabled:
            words = [word for word in words if word != keyword]
        everything = words == list(self._session.manifest.keywords)
        self.apply(replace(self._session.settings, keywords=None if everything else tuple(words)))

    def explain(self, end_sample: int, stream: int) -> None:
        """Show the window that ended nearest to a sample."""
        moment = self._session.memory.nearest(end_sample) if stream == self._stream else None
        if moment is None:
            self.panes.show_notice("That moment is more than a minute ago: its audio is gone.")
            return
        self._asked_sample, self._asked_stream = moment.end_sample, stream
        if self._moment_view is None:
            self._moment_view = MomentView(self.panes.colours, self)
            self._moment_view.step_asked.connect(self._step)
            self._moment_view.play_asked.connect(self._play_moment)
        manifest = self._session.manifest
        features = self._session.memory.features(moment)
        self._moment_view.show_moment(
            moment,
            features,
            manifest,
            f"{moment.end_sample / manifest.fbank.sample_rate_hz:.1f} s into the stream",
        )
        self._moment_view.show()
        self._moment_view.raise_()
        if not self._attention.is_there:
            self._moment_view.set_attention(None, "the model folder has no rollout.onnx")
        elif features is not None:
            self._attention.ask(moment.end_sample, features)

    @property
    def moment_view(self) -> MomentView | None:
        """The explanation that is shown, if there is one."""
        return self._moment_view

    def explain_newest(self) -> None:
        """Explain the newest detection."""
        if self.panes.history.rowCount():
            self._explain_row(self.panes.history.row(0))

    def play(self, row: HeardRow) -> None:
        """Play the audio of a detection."""
        if row.clip is None:
            self.panes.show_notice(
                f"Only the newest {MAX_CLIPS} detections keep their audio; the ledger keeps more."
            )
        elif not self._player.start(row.clip, self._session.manifest.fbank.sample_rate_hz):
            self.panes.show_notice("Another clip is playing.")

    def export(self, path: Path | None = None) -> None:
        """Write the history to a file: CSV, or JSON lines by its suffix."""
        path = path or self._ask_where("Export the history", "heard.csv", _TABLES)
        if path is None:
            return
        rows = self.panes.history.rows()
        text = to_json_lines(rows) if path.suffix in (".jsonl", ".json") else to_csv(rows)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as err:
            self.panes.show_notice(f"cannot write {path}: {err.strerror}")
        else:
            self.panes.show_notice(f"{len(rows)} detections written to {path}")

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
        self._session.close()
        self._player.join(0.2)
        self._attention.join(0.5)

    def _ask_where(self, title: str, name: str, kinds: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(self, title, name, kinds)
        return Path(chosen) if chosen else None

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
        panes.waterfall.asked.connect(lambda sample: self.explain(sample, self._stream))
        panes.history_view.play_asked.connect(self.play)
        panes.history_view.explain_asked.connect(self._explain_row)
        panes.history_view.export_asked.connect(lambda: self.export())

    def _show(self, update: Update) -> None:
        """Everything that is new, on the window's thread."""
        session, panes = self._session, self.panes
        if session.stream != self._stream:
            self._stream = session.stream
            panes.new_stream()
        if update.is_changed:
            panes.show_state(session)
            self.state_changed.emit(session.state, session.problem)
            if session.settings.model != panes.model:
                panes.set_model(session.manifest, session.decision)
        for notice in update.notices:
            panes.show_notice(notice)
        if update.heard:
            self._add(update.heard)
        if update.stats is not None:
            panes.costs.show_stats(update.stats)
        if self.exposure.is_seen:
            panes.show_audio(update, session)

    def _add(self, heard: list[Heard]) -> None:
        rows = rows_of(heard, self._session)
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

    def _show_again(self, is_seen: bool) -> None:
        """Somebody looks again: show what was missed. Nobody does: paint nothing."""
        self.bridge.set_visible(is_seen)
        if is_seen:
            self.panes.waterfall.show_newest(self._session.memory.moments())
            self._show_slow()

    def _menus(self) -> dict[str, list[Entry | None]]:
        panes = self.panes
        return {
            "&File": [
                ("&Open a recording…", "Ctrl+O", self.open_recording),
                ("&Record what the model hears…", "Ctrl+R", self.toggle_recording),
                ("&Export the history…", "Ctrl+E", self.export),
                None,
                ("&Quit", "Ctrl+Q", self.quit_asked.emit),
            ],
            "&Listen": [
                ("&Pause or go on", "Ctrl+P", self.toggle),
                ("&Default microphone", "Ctrl+D", lambda: self.choose_device(None)),
                ("&Look for microphones", "F5", panes.picker.refresh),
            ],
            "&View": [
                ("&Why did it fire?", "Ctrl+I", panes.history_view.explain),
                ("P&lay the clip", "Ctrl+L", panes.history_view.play),
                ("&Keywords", "Ctrl+K", panes.bars.setFocus),
                ("&History", "Ctrl+H", panes.history_view.table.setFocus),
                None,
                ("&Settings…", "Ctrl+,", self.settings_asked.emit),
            ],
        }

    def _made_attention(self) -> Attention:
        made = Attention(self._session.manifest, self)
        made.ready.connect(self._show_attention)
        return made

    def _show_attention(self, end_sample: int, weights: Float32 | None, why_not: str) -> None:
        if self._moment_view is not None and end_sample == self._asked_sample:
            self._moment_view.set_attention(weights, why_not)

    def _explain_row(self, row: HeardRow) -> None:
        self.explain(row.end_sample, row.stream)

    def _step(self, windows: int) -> None:
        ends = [moment.end_sample for moment in self._session.memory.moments()]
        # To the next one that was scored: some may have been skipped.
        place = bisect_left(ends, self._asked_sample) + windows
        if 0 <= place < len(ends):
            self.explain(ends[place], self._asked_stream)

    def _play_moment(self) -> None:
        manifest = self._session.manifest
        audio = self._session.memory.audio(self._asked_sample, manifest.windows.window_samples)
        if audio is not None:
            self._player.start(to_pcm(audio), manifest.fbank.sample_rate_hz)
