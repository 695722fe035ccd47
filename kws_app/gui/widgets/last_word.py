"""The last detection, large enough to be read across the room."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtGui import QFont, QFontMetrics, QResizeEvent
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from kws_app.gui.colours import Colours
from kws_app.gui.history import HeardRow

_FADE_AFTER_S = 5.0
_LEAST_PX = 200
_MARGIN_PX = 4


class LastWord(QWidget):
    """Keyword, score and how long ago."""

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row: HeardRow | None = None
        self._shown: tuple[str, str] | None = None
        self._word = QLabel("\N{NO-BREAK SPACE}")  # as high as a word
        self._word.setTextFormat(Qt.TextFormat.PlainText)  # a label of any model
        font = QFont(self.font())
        font.setPointSizeF(max(28.0, 3.2 * font.pointSizeF()))
        font.setBold(True)
        self._word.setFont(font)
        self._word.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._word.setAccessibleName("Last keyword")
        self._word.setMinimumWidth(_LEAST_PX)  # a long word is cut, and keeps no window wide
        self._detail = QLabel("nothing heard yet")
        self._detail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN_PX, 0, _MARGIN_PX, 0)
        layout.setSpacing(0)
        layout.addWidget(self._word)
        layout.addWidget(self._detail)
        self.set_colours(colours)

    @property
    def word(self) -> str:
        """The keyword that is shown, or ""."""
        return self._row.keyword if self._row is not None else ""

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self._paint(is_fresh=self._row is not None)

    def show_row(self, row: HeardRow) -> None:
        """Show a detection."""
        self._row = row
        self._elide()
        self.show_age(0.0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """Show as much of the word as there is room for."""
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        if self._row is not None:
            wide = max(self.width() - 2 * _MARGIN_PX, _LEAST_PX)
            metrics = QFontMetrics(self._word.font())
            text = metrics.elidedText(self._row.keyword, Qt.TextElideMode.ElideRight, wide)
            self._word.setText(text)

    def show_age(self, seconds: float) -> None:
        """Say how long ago it was.

        Args:
            seconds: Since it was said.
        """
        if self._row is None:
            return
        text = f"{self._row.score:.2f} of {self._row.threshold:.2f}, {_ago(seconds)}"
        if text != self._detail.text():
            self._detail.setText(text)
            self._paint(is_fresh=seconds < _FADE_AFTER_S)

    def _paint(self, *, is_fresh: bool) -> None:
        word = self._colours.accent if is_fresh else self._colours.muted
        if (word, self._colours.muted) != self._shown:  # a style sheet costs more than a text
            self._shown = word, self._colours.muted
            self._word.setStyleSheet(f"color: {word}")
            self._detail.setStyleSheet(f"color: {self._colours.muted}")


def _ago(seconds: float) -> str:
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    return f"{seconds / 3600:.0f} h ago"
