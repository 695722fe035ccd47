"""Whether clips are kept, where, for how long and how many."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from kws_app.gui.files import ask_folder
from kws_app.settings import MAX_DAYS, Settings

_MAX_MB = 1_000_000
WHAT = (
    "The second that fired, or almost did, and half a second before it; nothing else. Clips can be "
    "labelled right or wrong (Ctrl+Y, Ctrl+N), and trained on. Old ones go by themselves."
)


class LedgerBox(QWidget):
    """Off until somebody chooses a folder; limits count at once.

    Args:
        parent: Owner.
    """

    wanted = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keep = QCheckBox("&Keep the audio of detections and near misses")
        self.keep.setAccessibleDescription(WHAT)
        what = QLabel(WHAT)
        what.setWordWrap(True)
        self.folder = QLineEdit()
        self.folder.setReadOnly(True)
        self.folder.setPlaceholderText("no folder")
        self.folder.setAccessibleName("Folder of the ledger")
        self.choose = QPushButton("&Folder…")
        self.choose.setAutoDefault(False)
        self.days = _number(MAX_DAYS, " days", "Remove clips that are older, in days")
        self.megabytes = _number(_MAX_MB, " MB", "Remove the oldest clips above this size")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.folder, 1)
        first.addWidget(self.choose)
        for text, box in (("for at mo&st", self.days), ("and at most", self.megabytes)):
            label = QLabel(text)
            label.setBuddy(box)
            second.addWidget(label)
            second.addWidget(box, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.keep)
        layout.addWidget(what)
        layout.addLayout(first)
        layout.addLayout(second)
        self.keep.clicked.connect(self._switch)
        self.choose.clicked.connect(lambda: self.choose_folder())
        self.days.valueChanged.connect(lambda days: self.wanted.emit({"ledger_days": days}))
        self.megabytes.valueChanged.connect(lambda size: self.wanted.emit({"ledger_mb": size}))

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force; no signal."""
        for part in (self.days, self.megabytes):
            part.blockSignals(True)
        self.keep.setChecked(settings.ledger is not None)
        self.folder.setText("" if settings.ledger is None else str(settings.ledger))
        for part, value in (
            (self.days, settings.ledger_days),
            (self.megabytes, settings.ledger_mb),
        ):
            part.setDecimals(0 if value == int(value) else 2)
            part.setValue(value)
            part.blockSignals(False)

    def choose_folder(self, folder: Path | None = None) -> None:
        """Keep clips in a folder: a new one, an empty one, or a ledger."""
        folder = folder or ask_folder(self, "Folder for the ledger")
        if folder is not None:
            self.wanted.emit({"ledger": folder})

    def _switch(self, is_wanted: bool) -> None:
        self.keep.setChecked(not is_wanted)  # until it is so
        if is_wanted:
            self.choose_folder()
        else:
            self.wanted.emit({"ledger": None})


def _number(high: float, unit: str, name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(2)
    box.setRange(0.01, high)
    box.setSuffix(unit)
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)  # half a number is not meant
    return box
