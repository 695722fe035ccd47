"""Keywords with what they cost: switch, threshold, and the false alarms a day to expect."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from engine.config import DecisionConfig, OperatingPoint
from engine.manifest import ModelManifest
from kws_app.gui.widgets.score_bars import HIGHEST_THRESHOLD, LOWEST_THRESHOLD

_HEAD = ("Keyword", "Threshold", "False alarms a day")
_NAME, _THRESHOLD, _EXPECTED = range(3)
_CLICKS = (
    QTableWidget.EditTrigger.SelectedClicked
    | QTableWidget.EditTrigger.DoubleClicked
    | QTableWidget.EditTrigger.EditKeyPressed
    | QTableWidget.EditTrigger.AnyKeyPressed
)


class KeywordTable(QTableWidget):
    """A row for each keyword of a model.

    Space switches the keyword of a row off and on. A threshold is changed in its place: by F2, by
    typing, or by a second click.
    """

    threshold_changed = Signal(str, float)
    enabled_changed = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEAD), parent)
        self.setHorizontalHeaderLabels(list(_HEAD))
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(_EXPECTED, QHeaderView.ResizeMode.Stretch)
        self.setAccessibleName("Keywords")
        self.setAccessibleDescription("Space switches a keyword, F2 changes its threshold")
        self.setTabKeyNavigation(False)
        self.setEditTriggers(_CLICKS)
        self.setItemDelegateForColumn(_THRESHOLD, _Threshold(self))
        self._keywords: list[str] = []
        self._manifest: ModelManifest | None = None
        self.itemChanged.connect(self._changed)

    def show_model(self, manifest: ModelManifest, decision: DecisionConfig) -> None:
        """Show the keywords of a model and what is in force; no signal."""
        self.blockSignals(True)
        if manifest is not self._manifest:
            self._manifest = manifest
            self._keywords = list(manifest.keywords)
            self._fill()
        self._same_smoothing = decision.smoothing_windows == manifest.decision.smoothing_windows
        for row, word in enumerate(self._keywords):
            point = decision.operating_points.get(word)
            is_on = Qt.CheckState.Unchecked if point is None else Qt.CheckState.Checked
            self.item(row, _NAME).setCheckState(is_on)
            threshold = (point or manifest.decision.operating_points[word]).threshold
            self.item(row, _THRESHOLD).setData(Qt.ItemDataRole.EditRole, threshold)
            self.item(row, _EXPECTED).setText(self._expected(word, threshold))
        self.blockSignals(False)
        self.viewport().update()

    def threshold_item(self, keyword: str) -> QTableWidgetItem:
        """The cell with the threshold of a keyword."""
        return self.item(self._keywords.index(keyword), _THRESHOLD)

    def expected(self, keyword: str) -> str:
        """What is said of a keyword's false alarms."""
        return str(self.item(self._keywords.index(keyword), _EXPECTED).text())

    def _fill(self) -> None:
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        self.setRowCount(len(self._keywords))
        for row, word in enumerate(self._keywords):
            for column, more in (
                (_NAME, Qt.ItemFlag.ItemIsUserCheckable),
                (_THRESHOLD, Qt.ItemFlag.ItemIsEditable),
                (_EXPECTED, Qt.ItemFlag.NoItemFlags),
            ):
                item = QTableWidgetItem(word if column == _NAME else "")
                item.setFlags(plain | more)
                self.setItem(row, column, item)
        wide = self.fontMetrics().horizontalAdvance("Threshold") + 40
        self.setColumnWidth(_THRESHOLD, wide)

    def _changed(self, item: QTableWidgetItem) -> None:
        word = self._keywords[item.row()]
        if item.column() == _NAME:
            self.enabled_changed.emit(word, item.checkState() == Qt.CheckState.Checked)
        elif item.column() == _THRESHOLD:
            value = round(float(item.data(Qt.ItemDataRole.EditRole)), 3)
            self.blockSignals(True)
            self.item(item.row(), _EXPECTED).setText(self._expected(word, value))
            self.blockSignals(False)
            self.threshold_changed.emit(word, value)

    def _expected(self, word: str, threshold: float) -> str:
        """Rates hold at the calibrated threshold alone; above it there are fewer."""
        assert self._manifest is not None  # noqa: S101  filled before
        point = self._manifest.decision.operating_points[word]
        if point.false_alarms_per_day is None:
            return "not calibrated"
        if not self._same_smoothing:
            windows = self._manifest.decision.smoothing_windows
            return f"calibrated over {windows} windows only"
        said = _rate(point)
        if abs(threshold - point.threshold) < 5e-4:
            return said
        side = "fewer than" if threshold > point.threshold else "more than"
        return f"{side} {_plain(point.false_alarms_per_day)} (calibrated at {point.threshold:.3f})"


class _Threshold(QStyledItemDelegate):
    """Edits a threshold in its cell."""

    def createEditor(  # noqa: N802
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QWidget:
        """A box with a number."""
        box = QDoubleSpinBox(parent)
        box.setRange(LOWEST_THRESHOLD, HIGHEST_THRESHOLD)
        box.setDecimals(3)
        box.setSingleStep(0.01)
        word = index.sibling(index.row(), _NAME).data()
        box.setAccessibleName(f"Threshold of {word}")
        return box

    def displayText(self, value: object, locale: object) -> str:  # noqa: N802
        """With three digits."""
        return f"{value:.3f}" if isinstance(value, float) else ""


def _rate(point: OperatingPoint) -> str:
    interval = point.false_alarms_per_day_interval
    within = f" ({_plain(interval[0])} to {_plain(interval[1])})" if interval else ""
    return f"{_plain(point.false_alarms_per_day or 0)}{within}"


def _plain(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
