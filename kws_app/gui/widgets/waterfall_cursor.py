"""The keyboard's way to a moment of the waterfall: arrow keys choose one, Enter asks why."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QPoint, QRectF, Qt
from qtpy.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QWidget

from engine.manifest import ModelManifest
from kws_app.gui.colours import Colours
from kws_app.gui.widgets.waterfall import SHOWN_S, Waterfall

_KEYS = "Arrow keys choose a moment, with Shift a second further; Enter asks why."


class WaterfallCursor(QWidget):
    """A line over the waterfall while that has the focus, and what its keys do.

    It lies over the waterfall and lets the mouse through. The moment moves on with the picture, and
    is the newest one until an arrow key chooses another.

    Args:
        waterfall: What it is about.
        manifest: The model.
        colours: Theme.
    """

    def __init__(self, waterfall: Waterfall, manifest: ModelManifest, colours: Colours) -> None:
        super().__init__(waterfall)
        self._waterfall = waterfall
        self._colours = colours
        self._sample: int | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        waterfall.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        waterfall.setToolTip(_KEYS)
        waterfall.setAccessibleDescription(_KEYS)
        waterfall.installEventFilter(self)
        self.set_manifest(manifest)
        self.hide()

    @property
    def sample(self) -> int:
        """The moment that is chosen."""
        newest = self._newest()
        if self._sample is None:
            return newest
        oldest = max(0, newest - SHOWN_S * self._rate_hz)
        return min(newest, max(oldest, self._sample))

    def set_manifest(self, manifest: ModelManifest) -> None:
        """Take another model's times."""
        self._rate_hz = manifest.fbank.sample_rate_hz
        self._hop_samples = manifest.windows.hop_samples
        self.reset()

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self.update()

    def reset(self) -> None:
        """Choose the newest moment again."""
        self._sample = None
        self.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  Qt's name
        """What happens to the waterfall."""
        match event.type():
            case QEvent.Type.KeyPress:
                return self._take(event)
            case QEvent.Type.Resize:
                self.setGeometry(self._waterfall.rect())
            case QEvent.Type.FocusIn | QEvent.Type.FocusOut:
                self.setGeometry(self._waterfall.rect())
                self.setVisible(event.type() == QEvent.Type.FocusIn)
        return bool(super().eventFilter(watched, event))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the focus and the moment, with its distance from the newest."""
        painter = QPainter(self)
        ground, line = QColor(self._colours.window), QColor(self._colours.accent)
        painter.setPen(QPen(line, 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        behind_s = (self._newest() - self.sample) / self._rate_hz
        x = self.width() * (1 - behind_s / SHOWN_S)
        painter.setPen(QPen(ground, 5))
        painter.drawLine(QPoint(round(x), 2), QPoint(round(x), self.height() - 2))
        painter.setPen(QPen(line, 2))
        painter.drawLine(QPoint(round(x), 2), QPoint(round(x), self.height() - 2))
        text = "newest" if behind_s == 0 else f"{behind_s:.1f} s ago"
        metrics = self.fontMetrics()
        width, height = metrics.horizontalAdvance(text) + 8, metrics.height() + 2
        box = QRectF(max(0.0, x - width - 3), self.height() - height - 3, width, height)
        painter.fillRect(box, ground)
        painter.setPen(QColor(self._colours.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _take(self, event: QKeyEvent) -> bool:
        far = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        step = self._rate_hz if far else self._hop_samples
        match event.key():
            case Qt.Key.Key_Left:
                self._sample = max(0, self.sample - step)
            case Qt.Key.Key_Right:
                moved = self.sample + step
                self._sample = moved if moved < self._newest() else None
            case Qt.Key.Key_Home:
                self._sample = 0  # the oldest one that is shown
            case Qt.Key.Key_End:
                self._sample = None
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space:
                if self._newest():
                    self._waterfall.asked.emit(self.sample)
            case _:
                return False
        self.update()
        return True

    def _newest(self) -> int:
        return self._waterfall.sample_at(self._waterfall.width())
