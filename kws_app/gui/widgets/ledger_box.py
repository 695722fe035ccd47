"""Whether clips are kept, where, for how long and how many."""

from __future__ import annotations

from dataclasses import replace
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

from engine.errors import KwsError
from kws_app.folders import heard_folder
from kws_app.gui.files import ask_folder
from kws_app.gui.session_ledger import require_ledger
from kws_app.settings import MAX_DAYS, Settings

_MAX_MB = 1_000_000
WHAT = (
    "The second that fired, or almost did, and half a second before it; nothing else. Clips can be "
    "labelled right or wrong (Ctrl+Y, Ctrl+N), and trained on. Old ones go by themselves."
)


class LedgerBox(QWidget):
    """Off until somebody switches it on; folder and limits count at once.

    Args:
        parent: Owner.
    """

    wanted = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = Settings()
        self.keep = QCheckBox("&Keep the audio of detections and near misses")
        self.keep.setAccessibleDescription(WHAT)
        what = QLabel(WHAT)
        what.setWordWrap(True)
        self.folder = QLineEdit()
        self.folder.setPlaceholderText(str(heard_folder()))
        self.folder.setToolTip("A new folder, an empty one, or a ledger")
        name = QLabel("&Folder")
        name.setBuddy(self.folder)
        self.choose = QPushButton("&Browse…")
        self.choose.setAutoDefault(False)
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.days = _number(MAX_DAYS, " days", "Remove clips that are older, in days")
        self.megabytes = _number(_MAX_MB, " MB", "Remove the oldest clips above this size")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(name)
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
        layout.addWidget(self.problem)
        layout.addLayout(second)
        self.keep.clicked.connect(self._switch)
        self.choose.clicked.connect(lambda: self._browse())
        self.folder.editingFinished.connect(self._typed)
        self.days.valueChanged.connect(lambda days: self.wanted.emit({"ledger_days": days}))
        self.megabytes.valueChanged.connect(lambda size: self.wanted.emit({"ledger_mb": size}))

    def show_settings(self, settings: Settings) -> None:
        """Show what is in force; no signal."""
        for part in (self.days, self.megabytes):
            part.blockSignals(True)
        self._settings = settings
        self.keep.setChecked(settings.ledger is not None)
        if settings.ledger is not None and not self.folder.isModified():
            self.folder.setText(str(settings.ledger))
        elif not self.folder.text() and not self.folder.hasFocus():
            self.folder.setText(str(heard_folder()))  # offered; the switch takes it
        for part, value in (
            (self.days, settings.ledger_days),
            (self.megabytes, settings.ledger_mb),
        ):
            part.setDecimals(0 if value == int(value) else 2)
            part.setValue(value)
            part.blockSignals(False)

    def choose_folder(self, folder: Path) -> None:
        """Keep clips in a folder: a new one, an empty one, or a ledger."""
        self.folder.setModified(False)
        self._show_problem("")
        try:
            if folder == heard_folder():  # nobody typed it: its parents may be new, too
                folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            require_ledger(replace(self._settings, ledger=folder))
        except (KwsError, OSError) as err:  # said here as well: the window is behind this
            self._show_problem(str(err))
        self.wanted.emit({"ledger": folder})

    def _browse(self) -> None:
        folder = ask_folder(self, "Folder for the ledger")
        if folder is not None:
            self.choose_folder(folder)

    def _typed(self) -> None:
        """Another folder counts at once where clips are kept; the switch takes it otherwise."""
        self._show_problem("")
        if self._settings.ledger is None or not self.folder.isModified():
            return
        if self._folder() == self._settings.ledger:
            self.folder.setModified(False)
        else:
            self.choose_folder(self._folder())

    def _folder(self) -> Path:
        """What the field says; a name alone is one of the person's own folder."""
        typed = self.folder.text().strip()
        if typed.startswith("~/"):  # expanduser fails for users that there are not
            typed = typed[2:]
        return Path.home() / typed if typed else heard_folder()

    def _switch(self, is_wanted: bool) -> None:
        self.keep.setChecked(not is_wanted)  # until it is so
        if is_wanted:
            self.choose_folder(self._folder())
        else:
            self._show_problem("")
            self.wanted.emit({"ledger": None})

    def _show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))


def _number(high: float, unit: str, name: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(2)
    box.setRange(0.01, high)
    box.setSuffix(unit)
    box.setAccessibleName(name)
    box.setKeyboardTracking(False)  # half a number is not meant
    return box
