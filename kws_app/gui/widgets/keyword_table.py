"""Keywords with what they cost: switch, threshold, and the false alarms a day to expect."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from engine.config import DecisionConfig, OperatingPoint
from engine.manifest import ModelManifest
from kws_app.gui.widgets.score_bars import HIGHEST_THRESHOLD, LOWEST_THRESHOLD

_HEAD = ("Keyword", "Threshold", "False alarms a day")
_NAME, _THRESHOLD, _EXPECTED = range(3)


class KeywordTable(QTableWidget):
    """A row for each keyword of a model."""

    threshold_changed = Signal(str, float)
    enabled_changed = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_HEAD), parent)
        self.setHorizontalHeaderLabels(list(_HEAD))
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(_EXPECTED, QHeaderView.ResizeMode.Stretch)
        self.setAccessibleName("Keywords")
        self._keywords: list[str] = []
        self._manifest: ModelManifest | None = None
        self.itemChanged.connect(self._switched)

    def show_model(self, manifest: ModelManifest, decision: DecisionConfig) -> None:
        """Fill the table."""
        self.blockSignals(True)
        self._manifest = manifest
        self._keywords = list(manifest.keywords)
        self.setRowCount(len(self._keywords))
        for row, word in enumerate(self._keywords):
            point = decision.operating_points.get(word)
            name = QTableWidgetItem(word)
            name.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            name.setCheckState(
                Qt.CheckState.Checked if point is not None else Qt.CheckState.Unchecked
            )
            self.setItem(row, _NAME, name)
            shown = point or manifest.decision.operating_points[word]
            self.setCellWidget(row, _THRESHOLD, self._spin_box(word, shown.threshold))
            expected = QTableWidgetItem(self._expected(word, shown.threshold))
            expected.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self.setItem(row, _EXPECTED, expected)
        self.blockSignals(False)
        self.resizeColumnsToContents()

    def spin_box(self, keyword: str) -> QDoubleSpinBox:
        """The threshold of a keyword."""
        box = self.cellWidget(self._keywords.index(keyword), _THRESHOLD)
        assert isinstance(box, QDoubleSpinBox)  # noqa: S101  put there above
        return box

    def expected(self, keyword: str) -> str:
        """What is said of a keyword's false alarms."""
        return str(self.item(self._keywords.index(keyword), _EXPECTED).text())

    def _spin_box(self, word: str, threshold: float) -> QDoubleSpinBox:
        box = QDoubleSpinBox()
        box.setRange(LOWEST_THRESHOLD, HIGHEST_THRESHOLD)
        box.setDecimals(3)
        box.setSingleStep(0.01)
        box.setValue(threshold)
        box.setAccessibleName(f"Threshold of {word}")
        box.valueChanged.connect(lambda value: self._changed(word, value))
        return box

    def _changed(self, word: str, value: float) -> None:
        self.item(self._keywords.index(word), _EXPECTED).setText(self._expected(word, value))
        self.threshold_changed.emit(word, round(value, 3))

    def _switched(self, item: QTableWidgetItem) -> None:
        if item.column() == _NAME:
            self.enabled_changed.emit(item.text(), item.checkState() == Qt.CheckState.Checked)

    def _expected(self, word: str, threshold: float) -> str:
        """Rates hold at the calibrated threshold alone; above it there are fewer."""
        assert self._manifest is not None  # noqa: S101  filled before
        point = self._manifest.decision.operating_points[word]
        if point.false_alarms_per_day is None:
            return "not calibrated"
        said = _rate(point)
        if abs(threshold - point.threshold) < 5e-4:
            return said
        side = "fewer than" if threshold > point.threshold else "more than"
        return f"{side} {_plain(point.false_alarms_per_day)} (calibrated at {point.threshold:.3f})"


def _rate(point: OperatingPoint) -> str:
    interval = point.false_alarms_per_day_interval
    within = f" ({_plain(interval[0])} to {_plain(interval[1])})" if interval else ""
    return f"{_plain(point.false_alarms_per_day or 0)}{within}"


def _plain(rate: float) -> str:
    return f"{rate:.0f}" if rate >= 10 else f"{rate:.2g}"
