"""Whether words do something, what they do, and why they don't."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QVBoxLayout,
    QWidget,
)

from engine.types import Detection
from kws_app.actions.action import Action, Occasion, describe
from kws_app.actions.tables import SWITCHES
from kws_app.gui.window_actions import ActionsState, summary

_NAMES = {
    "off": "Off: nothing is done",
    "dry-run": "Dry run: only say what would be done",
    "on": "On: do it when the word is heard",
}
WHAT = (
    "What a word does is written in [[action]] tables of the settings file, read when the window "
    "starts. What was done stands in the log, kws.log."
)


class _AsWritten(Occasion):
    """Leaves the placeholders as they stand in the file."""

    def fill(self, text: str) -> str:
        return text


_ANY = _AsWritten(
    detection=Detection(keyword="", end_sample=0, score=1.0, threshold=1.0), time_s=0.0
)


class ActionsBox(QWidget):
    """The switch counts at once.

    Args:
        parent: Owner.
    """

    wanted = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.switch = QComboBox()
        for name in SWITCHES:
            self.switch.addItem(_NAMES[name], name)
        self.switch.setAccessibleName("Actions")
        title, what, self.reason = QLabel("&Actions"), QLabel(WHAT), QLabel()
        title.setBuddy(self.switch)
        for label in (what, self.reason):
            label.setWordWrap(True)
        self.table = QListWidget()
        self.table.setAccessibleName("Actions of the settings file")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        row = QHBoxLayout()
        row.addWidget(title)
        row.addWidget(self.switch, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.reason)
        layout.addWidget(self.table, 1)
        layout.addWidget(what)
        self.switch.activated.connect(
            lambda place: self.wanted.emit({"actions": self.switch.itemData(place)})
        )

    def show_state(self, state: ActionsState) -> None:
        """Show what is in force; no signal."""
        self.switch.setCurrentIndex(self.switch.findData(state.switch))
        text, why = summary(state)
        self.reason.setText(f"{text}: {why}" if text else why)
        lines = [_line(action) for action in state.actions]
        if lines != [self.table.item(row).text() for row in range(self.table.count())]:
            self.table.clear()
            self.table.addItems(lines)


def _line(action: Action) -> str:
    words = "every keyword" if "*" in action.keywords else ", ".join(action.keywords)
    mark = "" if action.enabled else " (disabled)"
    if action.enabled and action.dry_run:
        mark = " (dry run)"
    return f"{action.number}.  {words}: {describe(action.deed, _ANY)}{mark}"
