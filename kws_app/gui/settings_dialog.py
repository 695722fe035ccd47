"""What is set once: model, backend, smoothing, keywords with their cost, theme, tray."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.backends import BACKEND_NAMES
from kws_app.gui.session import Session
from kws_app.gui.theme import THEMES
from kws_app.gui.widgets.keyword_table import KeywordTable
from kws_app.gui.window_state import WindowState
from kws_app.settings import DEFAULT_MODEL


class SettingsDialog(QDialog):
    """Every change counts at once.

    Args:
        session: What listens.
        state: How the window is set.
        parent: Owner.
    """

    settings_wanted = Signal(object)
    threshold_wanted = Signal(str, float)
    enabled_wanted = Signal(str, bool)
    theme_wanted = Signal(str)
    close_to_tray_wanted = Signal(bool)

    def __init__(self, session: Session, state: WindowState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.resize(640, 640)
        self._session = session
        self.model, self.backend, self.theme = QLabel(), QComboBox(), QComboBox()
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.backend.addItems(["auto", *BACKEND_NAMES])
        self.theme.addItems(list(THEMES))
        self.theme.setCurrentText(state.theme)
        self.smoothing, self.refractory = QSpinBox(), QDoubleSpinBox()
        self.smoothing.setRange(1, 100)
        self.smoothing.setSuffix(" windows")
        self.refractory.setRange(0, 60)
        self.refractory.setSingleStep(0.1)
        self.refractory.setSuffix(" s")
        self.close_to_tray = QCheckBox("Closing the window only hides it, where there is a tray")
        self.close_to_tray.setChecked(state.close_to_tray)
        self.keywords = KeywordTable()
        self.show_session()
        self._lay_out()
        self._connect()

    def show_session(self) -> None:
        """Show what is in force."""
        session = self._session
        for part in (self.backend, self.smoothing, self.refractory):
            part.blockSignals(True)
        rate_hz = session.manifest.fbank.sample_rate_hz
        self.model.setText(f"{session.manifest.name} ({session.manifest.folder.name})")
        self.model.setToolTip(str(session.manifest.folder))
        self.backend.setCurrentText(session.settings.backend)
        started = session.started
        self.reason.setText(f"{started.backend}: {started.backend_reason}" if started else "")
        self.smoothing.setValue(session.decision.smoothing_windows)
        self.refractory.setValue(session.decision.refractory_samples / rate_hz)
        self.keywords.show_model(session.manifest, session.decision)
        for part in (self.backend, self.smoothing, self.refractory):
            part.blockSignals(False)

    def choose_model(self, folder: Path | None = None) -> None:
        """Take another model folder."""
        if folder is None:
            name = QFileDialog.getExistingDirectory(self, "Model folder")
            if not name:
                return
            folder = Path(name)
        self._want(model=folder)

    def _want(self, **changes: Any) -> None:
        self.settings_wanted.emit(replace(self._session.settings, **changes))
        self.show_session()

    def _connect(self) -> None:
        self.backend.currentTextChanged.connect(lambda name: self._want(backend=name))
        self.smoothing.valueChanged.connect(lambda windows: self._want(smoothing=windows))
        self.refractory.valueChanged.connect(lambda s: self._want(refractory=round(s, 3)))
        self.theme.currentTextChanged.connect(self.theme_wanted)
        self.close_to_tray.toggled.connect(self.close_to_tray_wanted)
        self.keywords.threshold_changed.connect(self.threshold_wanted)
        self.keywords.enabled_changed.connect(self.enabled_wanted)

    def _lay_out(self) -> None:
        model = QHBoxLayout()
        model.addWidget(self.model, 1)
        for text, call in (
            ("Choose…", lambda: self.choose_model()),
            ("Default", lambda: self.choose_model(DEFAULT_MODEL)),
        ):
            button = QPushButton(text)
            button.clicked.connect(lambda _=False, call=call: call())
            model.addWidget(button)
        form = QFormLayout()
        form.addRow("Model", model)
        form.addRow("Backend", self.backend)
        form.addRow("", self.reason)
        form.addRow("Smoothing", self.smoothing)
        form.addRow("Refractory period", self.refractory)
        form.addRow("Theme", self.theme)
        form.addRow("Tray", self.close_to_tray)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.keywords, 1)
        layout.addWidget(buttons)
