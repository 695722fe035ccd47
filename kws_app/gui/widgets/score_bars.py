"""The keywords as bars of the smoothed posterior, with their thresholds to drag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QToolTip, QWidget

from engine.config import DecisionConfig
from engine.types import Float32
from kws_app.gui.colours import Colours

LOWEST_THRESHOLD, HIGHEST_THRESHOLD = 0.01, 1.0
_STEP = 0.01
_FINE_STEP = 0.001
_GRAB_PX = 8
_SHORT_PX = 80
_GLOW_S = 1.5
_VISIBLE_CHANGE = 0.003


@dataclass
class _Bar:
    keyword: str
    threshold: float
    is_enabled: bool
    value: float = 0.0
    glow_s: float = 0.0


class ScoreBars(QWidget):
    """A row for each keyword: name, bar, threshold, value.

    The threshold follows the mouse, or the arrow keys on the row that has the focus (with Shift in
    small steps); Space or a click on the name switches the keyword off and on.
    """

    threshold_changed = Signal(str, float)
    enabled_changed = Signal(str, bool)
    row_chosen = Signal(int)

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = colours
        self._bars: list[_Bar] = []
        self._places: dict[str, int] = {}
        self._current = 0
        self._dragged: int | None = None
        self._measure()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Keywords and their thresholds")

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self.update()

    def set_keywords(self, labels: Sequence[str], keywords: Sequence[str]) -> None:
        """Show the keywords of a model.

        Args:
            labels: All labels of its posteriors, in order.
            keywords: Those that have a bar.
        """
        self._bars = [_Bar(keyword=word, threshold=1.0, is_enabled=False) for word in keywords]
        self._places = {word: labels.index(word) for word in keywords}
        self._current = 0
        self._measure()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  Qt's name
        """Measure the names again when they are written otherwise."""
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._measure()
        super().changeEvent(event)

    def set_decision(self, decision: DecisionConfig) -> None:
        """Show thresholds, and which keywords are listened for."""
        for bar in self._bars:
            point = decision.operating_points.get(bar.keyword)
            bar.is_enabled = point is not None
            if point is not None:
                bar.threshold = point.threshold
        self.update()

    def show_scores(self, smoothed: Float32, fired: str, seconds: float) -> None:
        """Take the newest smoothed posteriors; only rows that changed are painted.

        Args:
            smoothed: Shape [n_labels].
            fired: The keyword that fired, or "".
            seconds: Since the last call.
        """
        for row, bar in enumerate(self._bars):
            value = float(smoothed[self._places[bar.keyword]])
            glow_s = _GLOW_S if bar.keyword == fired else max(0.0, bar.glow_s - seconds)
            changed = abs(value - bar.value) > _VISIBLE_CHANGE or (glow_s > 0) != (bar.glow_s > 0)
            bar.glow_s = glow_s
            if changed:
                bar.value = value
                self.update(self._row_rect(row))

    def reset(self) -> None:
        """Nothing is heard any more."""
        for bar in self._bars:
            bar.value = bar.glow_s = 0.0
        self.update()

    def threshold(self, keyword: str) -> float:
        """The threshold that is shown."""
        return next(bar.threshold for bar in self._bars if bar.keyword == keyword)

    def threshold_x(self, keyword: str) -> int:
        """Where the threshold of a keyword stands."""
        row = next(row for row, bar in enumerate(self._bars) if bar.keyword == keyword)
        return round(self._x_of(self._bars[row].threshold))

    def row_y(self, keyword: str) -> int:
        """The middle of a keyword's row."""
        row = next(row for row, bar in enumerate(self._bars) if bar.keyword == keyword)
        return int(self._row_rect(row).center().y())

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """As high as all rows."""
        return QSize(320, max(1, len(self._bars)) * self._row_px)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As high, since it scrolls; and wide enough for names, values and a short bar."""
        values = self.fontMetrics().horizontalAdvance("0.00") + 14
        return QSize(self._bar_area().left() + _SHORT_PX + values, self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Grab a threshold, or switch a keyword by its name."""
        row = self._row_at(event.pos().y())
        if row is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._set_current(row)
        bar = self._bars[row]
        if event.pos().x() < self._bar_area().left():
            self._toggle(row)
        elif bar.is_enabled and abs(event.pos().x() - self._x_of(bar.threshold)) <= _GRAB_PX:
            self._dragged = row

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the threshold that was grabbed; else show what can be."""
        if self._dragged is not None:
            area = self._bar_area()
            self._set_threshold(self._dragged, (event.pos().x() - area.left()) / area.width())
            bar = self._bars[self._dragged]
            QToolTip.showText(event.globalPos(), f"{bar.keyword}: {bar.threshold:.3f}", self)
            return
        row = self._row_at(event.pos().y())
        grabs = (
            row is not None
            and self._bars[row].is_enabled
            and abs(event.pos().x() - self._x_of(self._bars[row].threshold)) <= _GRAB_PX
        )
        self.setCursor(Qt.CursorShape.SizeHorCursor if grabs else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Let go of the threshold."""
        self._dragged = None

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Everything that the mouse can do."""
        if not self._bars:
            return
        step = _FINE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
        bar = self._bars[self._current]
        match event.key():
            case Qt.Key.Key_Up:
                self._set_current(max(0, self._current - 1))
            case Qt.Key.Key_Down:
                self._set_current(min(len(self._bars) - 1, self._current + 1))
            case Qt.Key.Key_Left:
                self._set_threshold(self._current, bar.threshold - step)
            case Qt.Key.Key_Right:
                self._set_threshold(self._current, bar.threshold + step)
            case Qt.Key.Key_Space:
                self._toggle(self._current)
            case _:
                super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show which row has the focus."""
        self.update(self._row_rect(self._current))
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Show that none has."""
        self.update(self._row_rect(self._current))
        super().focusOutEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the rows that need it."""
        painter = QPainter(self)
        for row, bar in enumerate(self._bars):
            rect = self._row_rect(row)
            if rect.intersects(event.rect()):
                self._draw(painter, rect, bar, has_focus=self.hasFocus() and row == self._current)

    def _draw(self, painter: QPainter, rect: QRect, bar: _Bar, *, has_focus: bool) -> None:
        colours, area = self._colours, self._bar_area()
        text = QColor(colours.text if bar.is_enabled else colours.muted)
        middle = int(Qt.AlignmentFlag.AlignVCenter)
        name = QRect(rect.left() + 6, rect.top(), area.left() - 12, rect.height())
        font = self.font()
        font.setBold(bar.glow_s > 0)
        font.setStrikeOut(not bar.is_enabled)
        painter.setFont(font)
        painter.setPen(text)
        painter.drawText(name, middle | int(Qt.AlignmentFlag.AlignRight), bar.keyword)
        trough = QRectF(area.left(), rect.top() + 4, area.width(), rect.height() - 8)
        painter.fillRect(trough, QColor(colours.grid))
        fill = QRectF(trough)
        fill.setWidth(trough.width() * min(1.0, max(0.0, bar.value)))
        painter.fillRect(fill, QColor(colours.bar_fired if bar.glow_s > 0 else colours.bar))
        if bar.is_enabled:
            x = self._x_of(bar.threshold)
            painter.fillRect(
                QRectF(x - 1, rect.top() + 1, 3, rect.height() - 2), QColor(colours.threshold)
            )
        font.setBold(False)
        font.setStrikeOut(False)
        painter.setFont(font)
        painter.setPen(text)
        right = QRect(area.right() + 6, rect.top(), self.width() - area.right() - 8, rect.height())
        painter.drawText(right, middle | int(Qt.AlignmentFlag.AlignLeft), f"{bar.value:.2f}")
        if has_focus:
            painter.setPen(QPen(QColor(colours.accent), 1, Qt.PenStyle.DotLine))
            painter.drawRect(rect.adjusted(1, 0, -2, -1))

    def _toggle(self, row: int) -> None:
        bar = self._bars[row]
        bar.is_enabled = not bar.is_enabled
        self.update(self._row_rect(row))
        self._describe()
        self.enabled_changed.emit(bar.keyword, bar.is_enabled)

    def _set_threshold(self, row: int, threshold: float) -> None:
        bar = self._bars[row]
        threshold = round(min(HIGHEST_THRESHOLD, max(LOWEST_THRESHOLD, threshold)), 3)
        if bar.is_enabled and threshold != bar.threshold:
            bar.threshold = threshold
            self.update(self._row_rect(row))
            self._describe()
            self.threshold_changed.emit(bar.keyword, threshold)

    def _set_current(self, row: int) -> None:
        before, self._current = self._current, row
        self.update(self._row_rect(before))
        self.update(self._row_rect(row))
        self._describe()
        self.row_chosen.emit(self._row_rect(row).center().y())

    def _describe(self) -> None:
        """Tell screen readers which row the keys are for."""
        bar = self._bars[self._current]
        state = f"threshold {bar.threshold:.3f}" if bar.is_enabled else "switched off"
        self.setAccessibleDescription(f"{bar.keyword}, {state}")

    def _measure(self) -> None:
        """Sizes of texts: once, and not at every row that is painted."""
        metrics = self.fontMetrics()
        self._name_px = max((metrics.horizontalAdvance(b.keyword) for b in self._bars), default=40)
        self._value_px = metrics.horizontalAdvance("0.00")
        self._row_px = max(20, metrics.height() + 6)
        self.updateGeometry()
        self.update()

    def _row_rect(self, row: int) -> QRect:
        return QRect(0, row * self._row_px, self.width(), self._row_px)

    def _row_at(self, y: int) -> int | None:
        row = y // self._row_px
        return row if 0 <= row < len(self._bars) else None

    def _bar_area(self) -> QRect:
        left, right = self._name_px + 20, self._value_px + 14
        return QRect(left, 0, max(40, self.width() - left - right), 1)

    def _x_of(self, value: float) -> float:
        area = self._bar_area()
        return float(area.left() + area.width() * value)
