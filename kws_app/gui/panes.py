"""The parts of the window and where they stand."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

from qtpy.QtCore import QRect, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSplitter,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from engine.config import DecisionConfig
from engine.manifest import ModelManifest
from kws_app.gui.colours import Colours
from kws_app.gui.history import History
from kws_app.gui.plain_text import plain_tip
from kws_app.gui.session import Session
from kws_app.gui.session_ledger import SessionLedger
from kws_app.gui.session_state import State, Update
from kws_app.gui.widgets.actions_sign import ActionsSign
from kws_app.gui.widgets.history_view import HistoryView
from kws_app.gui.widgets.last_word import LastWord
from kws_app.gui.widgets.level_meter import LevelMeter
from kws_app.gui.widgets.score_bars import ScoreBars
from kws_app.gui.widgets.source_picker import SourcePicker
from kws_app.gui.widgets.status import CostBar
from kws_app.gui.widgets.waterfall import Waterfall
from kws_app.gui.widgets.waterfall_cursor import WaterfallCursor

_NOTICE_MS = 10_000
_NAME_PX = 160
_MARGIN_PX = 40  # a row more than the one that was chosen


class Panes(QWidget):
    """Lays out the window; knows no session but what it is shown."""

    toggle_asked = Signal()
    record_asked = Signal()
    open_asked = Signal()
    settings_asked = Signal()

    def __init__(
        self,
        manifest: ModelManifest,
        decision: DecisionConfig,
        colours: Colours,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.colours = colours
        self.history = History(self)
        self.picker = SourcePicker()
        self.level = LevelMeter(colours)
        self.waterfall = Waterfall(manifest, colours)
        self.cursor = WaterfallCursor(self.waterfall, manifest, colours)
        self.bars = ScoreBars(colours)
        self.last_word = LastWord(colours)
        self.history_view = HistoryView(self.history)
        self.costs = CostBar(colours)
        self.actions_sign = ActionsSign(colours)
        self.state, self.notice, self.hint, self.keeping = QLabel(), QLabel(), QLabel(), QLabel()
        for label in (self.state, self.notice, self.hint, self.keeping):
            label.setTextFormat(Qt.TextFormat.PlainText)  # names of files and devices are in it
        for label in (self.state, self.notice, self.hint):
            label.setWordWrap(True)
        for label in (self.notice, self.hint):
            label.hide()
        self.position = QProgressBar()
        self.position.setRange(0, 1000)
        self.position.setAccessibleName("Position in the recording")
        self.position.hide()
        self.toggle_button = QPushButton("Pause")
        self.record_button = QPushButton("● Record…")
        self._seen_at_s: float | None = None
        self._notice_timer = QTimer(self)
        self._notice_timer.setSingleShot(True)
        self._notice_timer.timeout.connect(self.notice.hide)
        self.level.hint_changed.connect(self._show_hint)
        self._lay_out()
        self.set_model(manifest, decision)
        self.set_colours(colours)

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self.colours = colours
        for part in (
            self.level,
            self.waterfall,
            self.cursor,
            self.bars,
            self.last_word,
            self.costs,
            self.actions_sign,
        ):
            part.set_colours(colours)
        self.hint.setStyleSheet(f"color: {colours.warning}")
        self.notice.setStyleSheet(f"color: {colours.accent}")

    def set_model(self, manifest: ModelManifest, decision: DecisionConfig) -> None:
        """Show another model's keywords and features."""
        self.model: Path = manifest.folder
        self._rate_hz = manifest.fbank.sample_rate_hz
        self._hop_s = manifest.windows.hop_samples / self._rate_hz
        self.waterfall.set_manifest(manifest)
        self.cursor.set_manifest(manifest)
        self.bars.set_keywords(manifest.labels, manifest.keywords)
        scroll_bar = self._scroll.verticalScrollBar().sizeHint().width()
        self._scroll.setMinimumWidth(self.bars.minimumSizeHint().width() + scroll_bar + 4)
        self.set_decision(decision)

    def set_decision(self, decision: DecisionConfig) -> None:
        """Show other thresholds."""
        self.bars.set_decision(decision)

    def new_stream(self) -> None:
        """Another pipeline listens: what was shown of the old one is over."""
        self.waterfall.clear()
        self.cursor.reset()
        self.bars.reset()
        self.level.reset()
        self._seen_at_s = None

    def show_state(self, session: Session) -> None:
        """Say in words and colour what the session does."""
        colours, state = self.colours, session.state
        colour = {
            State.LISTENING: colours.ok,
            State.STARTING: colours.muted,
            State.PAUSED: colours.muted,
            State.FINISHED: colours.muted,
            State.RECOVERING: colours.warning,
        }.get(state, colours.error)
        text = state.value.capitalize()
        if state is State.LISTENING and session.started is not None:
            text = f"Listening to {Path(session.started.source).name}"
            self.costs.show_backend(session.started.backend, session.started.backend_reason)
        elif session.problem:
            text = f"{text}: {session.problem}"
        self.state.setText(f"●  {text}")
        self.state.setStyleSheet(f"color: {colour}; font-weight: bold")
        waits = state in (State.NO_DEVICE, State.RECOVERING)
        self.toggle_button.setText("Pause" if session.is_running or waits else "Start")
        recorded = session.recording.path
        name = recorded.name if recorded is not None else ""
        short = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, _NAME_PX)
        self.record_button.setText("● Record…" if recorded is None else f"■ Stop {short}")
        self.record_button.setToolTip(
            "" if recorded is None else plain_tip(f"Recording to {recorded}")
        )
        self.record_button.setStyleSheet("" if recorded is None else f"color: {colours.error}")
        recording = session.settings.input
        self.picker.select(session.settings.device, Path(recording).name if recording else None)
        self.position.setVisible(recording is not None)
        self._show_keeping(session.ledger)
        if not session.is_running:
            self._rest()
        elif self._seen_at_s is None:
            self._seen_at_s = time.monotonic()

    def _rest(self) -> None:
        """Nothing is heard: no level, no scores, no age."""
        self._seen_at_s = None
        self.level.reset()
        self.bars.reset()
        self.costs.rest()

    def show_audio(self, update: Update, session: Session) -> None:
        """Show what came in; called at most 30 times a second."""
        moments = update.moments
        self.waterfall.add(moments)
        if moments and session.duration_s:
            played_s = moments[-1].end_sample / self._rate_hz
            self.position.setValue(round(1000 * min(1.0, played_s / session.duration_s)))
            self.position.setFormat(f"{played_s:.0f} of {session.duration_s:.0f} s")
        if not session.is_running:
            return  # these were the last windows of a stream that has ended
        self.level.show_level(update.level, self._rate_hz)
        if moments:
            self._seen_at_s = moments[-1].seen_at_s
            fired = next((m.fired for m in reversed(moments) if m.fired), "")
            self.bars.show_scores(moments[-1].smoothed, fired, self._hop_s * len(moments))
        age_s = None if self._seen_at_s is None else time.monotonic() - self._seen_at_s
        self.costs.show_age(age_s)

    def show_costs(self) -> None:
        """Say in words what the foot says, where the mouse would have it said."""
        place = self.costs.mapToGlobal(self.costs.rect().topRight())
        QToolTip.showText(place, self.costs.details(), self.costs, QRect(), _NOTICE_MS)

    def show_notice(self, text: str, *, stays: bool = False) -> None:
        """Show a line for some seconds, or until another one comes."""
        self.notice.setText(text)
        self.notice.show()
        if stays:
            self._notice_timer.stop()
        else:
            self._notice_timer.start(_NOTICE_MS)

    def clear_notice(self, text: str) -> None:
        """Take a line away, if it is still shown: it is true no more."""
        if self.notice.text() == text:
            self.notice.hide()

    def close_children(self) -> None:
        """End processes of the parts."""
        self.picker.stop()

    def _show_keeping(self, ledger: SessionLedger) -> None:
        """A lasting sign that clips are kept, or that they are not although they should be."""
        text, colour, why = "", self.colours.accent, ""
        if ledger.folder is not None:
            text, why = "✎  Keeping clips", f"In {ledger.folder}, to be labelled"
            self.history_view.show_labels(True)
        elif ledger.problem:
            text, colour, why = "⚠  Clips are not kept", self.colours.error, ledger.problem
        self.keeping.setText(text)
        self.keeping.setStyleSheet(f"color: {colour}")
        self.keeping.setToolTip(plain_tip(why))
        self.keeping.setVisible(bool(text))

    def _show_hint(self, text: str) -> None:
        self.hint.setText(text)
        self.hint.setVisible(bool(text))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.toggle_button)
        top.addWidget(self.picker, 1)
        open_button, settings_button = QPushButton("Open…"), QPushButton("Settings…")
        open_button.clicked.connect(lambda: self.open_asked.emit())
        settings_button.clicked.connect(lambda: self.settings_asked.emit())
        self._top_buttons = (open_button, self.record_button, settings_button)
        for button in self._top_buttons:
            top.addWidget(button)
        self.toggle_button.clicked.connect(lambda: self.toggle_asked.emit())
        self.record_button.clicked.connect(lambda: self.record_asked.emit())
        second = QHBoxLayout()
        second.addWidget(self.state, 1)
        second.addWidget(self.keeping)
        second.addWidget(self.actions_sign)
        second.addWidget(self.level, 1)
        live = QWidget()
        live_column = QVBoxLayout(live)
        live_column.setContentsMargins(0, 0, 0, 0)
        live_column.addWidget(self.last_word)
        live_column.addWidget(self.waterfall, 1)
        live_column.addWidget(self.position)
        self._scroll = scroll = QScrollArea()
        scroll.setWidget(self.bars)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.bars.row_chosen.connect(lambda y: scroll.ensureVisible(0, y, 0, _MARGIN_PX))
        self.left = QSplitter(Qt.Orientation.Vertical)
        self.left.addWidget(live)
        self.left.addWidget(self.history_view)
        self.left.setSizes([380, 240])
        self.across = QSplitter(Qt.Orientation.Horizontal)
        self.across.addWidget(self.left)
        self.across.addWidget(scroll)
        self.across.setSizes([640, 360])
        self.across.setStretchFactor(0, 1)
        for splitter in (self.left, self.across):  # no part can be lost to those without a mouse
            splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addLayout(second)
        # One line is theirs when both are silent, too: what stands below does not jump.
        messages = QWidget()
        messages.setMinimumHeight(self.fontMetrics().height())
        lines = QHBoxLayout(messages)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.addWidget(self.hint, 1)
        lines.addWidget(self.notice, 1)
        layout.addWidget(messages)
        layout.addWidget(self.across, 1)
        self._order_focus()

    def _order_focus(self) -> None:
        """Tab goes as the eye does: the bar on top, waterfall, keywords, history."""
        parts = [
            self.toggle_button,
            *self.picker.parts,
            *self._top_buttons,
            self.actions_sign,
            self.waterfall,
            self.bars,
            self.history_view.table,
            *self.history_view.buttons,
        ]
        for one, other in pairwise(parts):
            QWidget.setTabOrder(one, other)
