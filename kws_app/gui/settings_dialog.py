"""What is set once: model, backend, smoothing, keywords, ledger, actions, theme, tray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSpinBox,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from kws_app.gui.session import Session
from kws_app.gui.theme import THEMES
from kws_app.gui.widgets.actions_box import ActionsBox
from kws_app.gui.widgets.keyword_table import KeywordTable
from kws_app.gui.widgets.ledger_box import LedgerBox
from kws_app.gui.widgets.model_picker import ModelPicker
from kws_app.gui.window_state import WindowState

_OWN: dict[str, Any] = {"smoothing": None, "refractory": None, "threshold": {}}


class SettingsDialog(QDialog):
    """Every change counts at once.

    Args:
        session: What listens.
        state: How the window is set.
        parent: Owner.
    """

    settings_wanted = Signal(dict)
    model_wanted = Signal(object)
    threshold_wanted = Signal(str, float)
    enabled_wanted = Signal(str, bool)
    theme_wanted = Signal(str)
    close_to_tray_wanted = Signal(bool)

    def __init__(self, session: Session, state: WindowState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.resize(640, 520)
        self._session = session
        self._recent = state.recent_models
        listening = QFormLayout()
        self.models = ModelPicker(listening, self)
        self.theme = QComboBox()
        self.theme.addItems(list(THEMES))
        self.theme.setCurrentText(state.theme)
        self.smoothing, self.refractory = QSpinBox(), QDoubleSpinBox()
        self.smoothing.setRange(1, 100)
        self.smoothing.setSuffix(" windows")
        self.refractory.setRange(0, 60)
        self.refractory.setSingleStep(0.1)
        self.refractory.setSuffix(" s")
        for box in (self.smoothing, self.refractory):
            box.setKeyboardTracking(False)  # half a number is not meant
        self.own = QPushButton("Model's own &values")
        self.own.setToolTip("Smoothing, refractory period and thresholds as they were calibrated")
        self.own.setAutoDefault(False)
        self.close_to_tray = QCheckBox("Closing the window only &hides it, where there is a tray")
        self.close_to_tray.setChecked(state.close_to_tray)
        self.keywords = KeywordTable()
        self.ledger = LedgerBox()
        self.actions = ActionsBox()
        self._lay_out(listening)
        self.show_session()
        self._connect()

    def show_session(self) -> None:
        """Show what is in force."""
        session = self._session
        for part in (self.smoothing, self.refractory):
            part.blockSignals(True)
        rate_hz = session.manifest.fbank.sample_rate_hz
        started = session.started if session.is_running else None
        self.models.show_choices(session.manifest, session.settings.backend, started, self._recent)
        self.smoothing.setValue(session.decision.smoothing_windows)
        self.refractory.setValue(session.decision.refractory_samples / rate_hz)
        self.keywords.show_model(session.manifest, session.decision)
        self.ledger.show_settings(session.settings)
        for part in (self.smoothing, self.refractory):
            part.blockSignals(False)

    def show_in_force(self, state: WindowState) -> None:
        """Show what is in force, and offer models that were used before."""
        self._recent = state.recent_models
        self.show_session()

    def show_actions_page(self) -> None:
        """Turn to what words do."""
        page = self.actions.parentWidget()
        if page is not None:
            self.tabs.setCurrentWidget(page)
        self.actions.switch.setFocus()

    def choose_model(self, folder: Path) -> None:
        """Take another model folder."""
        self.model_wanted.emit(folder)
        self.show_session()

    def _want(self, **changes: Any) -> None:
        self.settings_wanted.emit(changes)
        self.show_session()  # also what was refused

    def _switch(self, keyword: str, is_enabled: bool) -> None:
        self.enabled_wanted.emit(keyword, is_enabled)
        self.show_session()

    def _connect(self) -> None:
        self.models.model_chosen.connect(self.choose_model)
        self.models.backend_chosen.connect(lambda name: self._want(backend=name))
        self.smoothing.valueChanged.connect(lambda windows: self._want(smoothing=windows))
        self.refractory.valueChanged.connect(lambda s: self._want(refractory=round(s, 3)))
        self.own.clicked.connect(lambda: self._want(**_OWN))
        self.theme.currentTextChanged.connect(self.theme_wanted)
        self.close_to_tray.toggled.connect(self.close_to_tray_wanted)
        self.keywords.threshold_changed.connect(self.threshold_wanted)
        self.keywords.enabled_changed.connect(self._switch)
        for part in (self.ledger, self.actions):
            part.wanted.connect(lambda changes: self._want(**changes))

    def _lay_out(self, listening: QFormLayout) -> None:
        listening.addRow("&Smoothing", self.smoothing)
        listening.addRow("&Refractory period", self.refractory)
        listening.addRow("", self.own)
        window = QFormLayout()
        window.addRow("&Theme", self.theme)
        window.addRow("Tray", self.close_to_tray)
        keywords = QVBoxLayout()
        note = QLabel(
            "Expected false alarms a day of uninterrupted talk, and their range, where the model's "
            "thresholds were calibrated. Space switches a keyword, F2 changes its threshold."
        )
        note.setWordWrap(True)
        keywords.addWidget(note)
        keywords.addWidget(self.keywords, 1)
        ledger = QVBoxLayout()
        ledger.addWidget(self.ledger)
        ledger.addStretch()
        actions = QVBoxLayout()
        actions.addWidget(self.actions)
        tabs = QTabWidget()
        for text, page in (
            ("&Listening", listening),
            ("Ke&ywords", keywords),
            ("Le&dger", ledger),
            ("&Actions", actions),
            ("&Window", window),
        ):
            tabs.addTab(_page(page), text)
        tabs.tabBar().setAccessibleName("Parts of the settings")
        self.tabs = tabs
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        # Enter in a field is meant for the field.
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.addWidget(tabs, 1)
        layout.addWidget(buttons)


def _page(layout: QLayout) -> QWidget:
    page = QWidget()
    page.setLayout(layout)
    return page
