"""The table of what was heard, and what can be done with its rows."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAction,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from kws_app.gui.history import CLIP_COLUMN, COLUMNS, LABEL_COLUMN, History, to_csv
from kws_app.ledger.entries import RIGHT, WRONG

_ACTIONS = ("Why did it fire?", "Play the clip", "Copy", "It was right", "It was wrong")


class HistoryView(QWidget):
    """Rows newest first; play, explain, copy, export.

    Args:
        history: The rows.
        parent: Owner.
    """

    play_asked = Signal(object)
    explain_asked = Signal(object)
    label_asked = Signal(object, str)
    export_asked = Signal()

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._table = QTableView()
        self._table.setModel(history)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setAlternatingRowColors(True)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setAccessibleName("History of detections")
        self._table.setTabKeyNavigation(False)
        rows = self._table.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)  # nothing is measured per row
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        columns = self._table.horizontalHeader()
        columns.setHighlightSections(False)  # bold names would not fit
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        columns.setSectionResizeMode(COLUMNS.index("keyword"), QHeaderView.ResizeMode.Stretch)
        wide = self.fontMetrics().horizontalAdvance("Threshold  ")
        for column in ("score", "threshold", "label", "clip"):
            self._table.setColumnWidth(COLUMNS.index(column), wide)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self._table.clicked.connect(self._clicked)
        self._table.activated.connect(self._explain)
        self._count = QLabel()
        self._buttons = {
            text: QPushButton(text)
            # Labels come and go with a ledger: on the left, where nothing else moves for them.
            for text in ("Right", "Wrong", "Play", "Why?", "Copy", "Export…")
        }
        for text, call in (
            ("Right", lambda: self.label(RIGHT)),
            ("Wrong", lambda: self.label(WRONG)),
            ("Play", self.play),
            ("Why?", self.explain),
            ("Copy", self.copy),
            ("Export…", self.export_asked.emit),
        ):
            self._buttons[text].clicked.connect(lambda _=False, call=call: call())
        self._lay_out()
        self.show_labels(False)
        history.rowsInserted.connect(self._show_count)
        history.modelReset.connect(self._show_count)
        self._show_count()

    @property
    def table(self) -> QTableView:
        """The table."""
        return self._table

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """Below the table, from the left."""
        return tuple(self._buttons.values())

    def set_actions(self, actions: Mapping[str, QAction]) -> None:
        """Offer actions of the window in the menu of the table, which the Menu key opens too.

        Args:
            actions: By their texts.
        """
        for text in _ACTIONS:
            self._table.addAction(actions[text])

    def show_labels(self, is_wanted: bool) -> None:
        """Have a place for labels, or none: without a ledger there is nothing to label."""
        self._table.setColumnHidden(LABEL_COLUMN, not is_wanted)
        for text in ("Right", "Wrong"):
            self._buttons[text].setVisible(is_wanted)

    def take_focus(self) -> None:
        """Move the focus to the table, and to its newest row if none is chosen."""
        self._table.setFocus()
        if not self._table.currentIndex().isValid():
            self._table.setCurrentIndex(self._history.index(0, 0))

    def selected(self) -> list[int]:
        """Selected rows of the table, rising."""
        return sorted({row for first, last in self._ranges() for row in range(first, last + 1)})

    def play(self) -> None:
        """Play the first selected row, or the newest."""
        if (row := self._chosen()) is not None:
            self.play_asked.emit(self._history.row(row))

    def explain(self) -> None:
        """Explain the first selected row, or the newest."""
        if (row := self._chosen()) is not None:
            self.explain_asked.emit(self._history.row(row))

    def label(self, label: str) -> None:
        """Say what the first selected row, or the newest, was."""
        if (row := self._chosen()) is not None:
            self.label_asked.emit(self._history.row(row), label)

    def copy(self) -> None:
        """Put the selected rows on the clipboard, as a table; all of them if none is selected."""
        rows = self.selected()
        QGuiApplication.clipboard().setText(to_csv(self._history.rows(rows or None)))

    def _chosen(self) -> int | None:
        if ranges := self._ranges():
            return min(first for first, _ in ranges)
        return 0 if self._history.rowCount() else None

    def _ranges(self) -> list[tuple[int, int]]:
        """First and last rows of what is selected: a hundred thousand rows are one range."""
        selection = self._table.selectionModel().selection()
        return [(part.top(), part.bottom()) for part in selection]

    def _clicked(self, index: QModelIndex) -> None:
        row = self._history.row(index.row())
        if index.column() == CLIP_COLUMN and row.clip is not None:
            self.play_asked.emit(row)

    def _explain(self, index: QModelIndex) -> None:
        self.explain_asked.emit(self._history.row(index.row()))

    def _show_count(self) -> None:
        n = self._history.rowCount()
        self._count.setText("nothing heard yet" if n == 0 else f"{n:,} heard")

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.addWidget(self._count)
        bar.addStretch()
        for button in self._buttons.values():
            bar.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(bar)
