"""The fbank as it comes: a scrolling picture of what the model sees, column by column."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from engine.manifest import ModelManifest
from kws_app.gui.colours import Colours
from kws_app.gui.memory import Moment
from kws_app.gui.pictures import GRID_HZ, Pixels, height_share, to_pixels

SHOWN_S = 10
_GROUND_ALPHA = 200  # behind text, of 255: it must be legible on every colour of the picture


class Waterfall(QWidget):
    """Ten seconds of frames, newest on the right, low frequencies below.

    The picture is a ring of columns that is drawn in two pieces, so that a new column costs a
    column. It is kept in colours too: Qt draws those six times as fast as shades with a table.
    Detections are marked where their window ended; a click asks about that moment.
    """

    asked = Signal(int)

    def __init__(
        self, manifest: ModelManifest, colours: Colours, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(96)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("What the model sees, the last ten seconds")
        self._pixels: Pixels = np.zeros((0, 0), np.uint8)
        self.set_colours(colours)
        self.set_manifest(manifest)

    @property
    def marks(self) -> list[str]:
        """Words that are marked, oldest first."""
        return [word for _, word in self._marks]

    def set_manifest(self, manifest: ModelManifest) -> None:
        """Take another model's features, and forget the picture."""
        self._manifest = manifest
        self._config = config = manifest.fbank
        self._columns = SHOWN_S * config.sample_rate_hz // config.frame_hop_samples
        self._pixels = np.zeros((config.n_mels, self._columns), np.uint8)
        self._coloured = self._table[self._pixels]
        self._grid = [(1 - height_share(hz, config), f"{hz / 1000:g} kHz") for hz in GRID_HZ]
        self.clear()

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        rgbs = [QColor(*map(int, rgb)).rgb() for rgb in colours.waterfall]
        self._table = np.array(rgbs, np.uint32)
        self._coloured = self._table[self._pixels]
        self.update()

    def clear(self) -> None:
        """Forget the picture."""
        self._pixels[:] = 0
        self._coloured[:] = self._table[0]
        self._written = 0
        self._end_sample = 0
        self._marks: list[tuple[int, str]] = []
        self.update()

    def show_newest(self, moments: list[Moment]) -> None:
        """Draw the picture anew from windows that were scored while nobody looked."""
        self.clear()
        shown = SHOWN_S * self._config.sample_rate_hz
        self.add([m for m in moments if m.end_sample > moments[-1].end_sample - shown])

    def add(self, moments: list[Moment]) -> None:
        """Append what windows saw that the windows before them had not seen."""
        for moment in moments:
            if moment.end_sample <= self._end_sample:
                continue  # `show_newest` had it
            hop = self._config.frame_hop_samples
            missing = (moment.end_sample - self._end_sample) // hop - len(moment.columns)
            if self._end_sample and missing > 0:
                gap = np.zeros((self._config.n_mels, min(missing, self._columns)), np.uint8)
                self._append(gap)
            self._append(to_pixels(moment.columns, self._manifest))
            self._end_sample = moment.end_sample
            if moment.fired:
                self._marks.append((moment.end_sample, moment.fired))
        oldest = self._end_sample - SHOWN_S * self._config.sample_rate_hz
        self._marks = [mark for mark in self._marks if mark[0] > oldest]
        if moments:
            self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Wide."""
        return QSize(560, 200)

    def sample_at(self, x: float) -> int:
        """The moment under a place of the widget, as a sample."""
        left_s = (1 - x / max(1, self.width())) * SHOWN_S
        return int(max(0, self._end_sample - round(left_s * self._config.sample_rate_hz)))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click asks about a moment."""
        if self._end_sample:
            self.asked.emit(self.sample_at(event.pos().x()))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw the ring in two pieces, then grid and marks."""
        painter = QPainter(self)
        image = QImage(
            self._coloured.data,
            self._columns,
            self._config.n_mels,
            self._coloured.strides[0],
            QImage.Format.Format_RGB32,
        )
        first = self._written % self._columns
        split = round(self.width() * (self._columns - first) / self._columns)
        rows = self._config.n_mels
        painter.drawImage(
            QRect(0, 0, split, self.height()), image, QRect(first, 0, self._columns - first, rows)
        )
        if first:
            rest = QRect(split, 0, self.width() - split, self.height())
            painter.drawImage(rest, image, QRect(0, 0, first, rows))
        self._draw_marks(painter)
        self._draw_grid(painter)  # readable where a word passes below it

    def _append(self, pixels: Pixels) -> None:
        pixels = pixels[:, -self._columns :]
        places = (self._written + np.arange(pixels.shape[1])) % self._columns
        self._pixels[:, places] = pixels
        self._coloured[:, places] = self._table[pixels]
        self._written += pixels.shape[1]

    def _draw_grid(self, painter: QPainter) -> None:
        painter.setPen(QPen(QColor(self._colours.text)))
        ground = QColor(self._colours.window)
        ground.setAlpha(_GROUND_ALPHA)
        metrics = self.fontMetrics()
        for share, text in self._grid:
            y = round(self.height() * share)
            if metrics.height() < y < self.height() - 4:
                height, width = metrics.height(), metrics.horizontalAdvance(text)
                painter.fillRect(QRect(0, y - height // 2, width + 13, height), ground)
                painter.drawLine(0, y, 6, y)
                painter.drawText(QPoint(9, y + metrics.ascent() // 2 - 1), text)

    def _draw_marks(self, painter: QPainter) -> None:
        metrics = self.fontMetrics()
        for end_sample, word in self._marks:
            left_s = (self._end_sample - end_sample) / self._config.sample_rate_hz
            x = self.width() * (1 - left_s / SHOWN_S)
            width = metrics.horizontalAdvance(word) + 8
            box = QRectF(max(0.0, x - width), 2, width, metrics.height() + 2)
            painter.fillRect(box, QColor(self._colours.window))
            painter.setPen(QColor(self._colours.text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
            painter.drawLine(round(x), 0, round(x), self.height())
