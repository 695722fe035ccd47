"""Input level with peak hold, a lamp for clipping, and a plain hint when something is wrong."""

from __future__ import annotations

import math

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from kws_app.gui.colours import Colours
from kws_app.gui.memory import Level

LOWEST_DB = -60.0
_WARM_DB, _HOT_DB = -12.0, -3.0
_FALL_DB_PER_S = 24.0
_HOLD_S = 1.5
_LAMP_S = 3.0
_SILENT_AFTER_S, _QUIET_AFTER_S = 2.0, 10.0
_QUIET_DB = -60.0
SILENT = "The input is silent (all zeros): is the microphone muted or unplugged?"
QUIET = "The input is very quiet: raise the microphone's level, or come nearer."
CLIPPED = "The input is too loud and clips: lower the microphone's level."


class LevelMeter(QWidget):
    """A bar in decibels relative to full scale.

    Time is that of the audio, so that a meter that nobody looks at does not run ahead.
    """

    hint_changed = Signal(str)

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colours = colours
        self._db = self._held_db = LOWEST_DB
        self._held_s = self._lamp_s = self._silent_s = self._quiet_s = 0.0
        self._hint = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Input level")

    @property
    def hint(self) -> str:
        """What is wrong with the input, or ""."""
        return self._hint

    @property
    def is_clipped(self) -> bool:
        """Whether the lamp is lit."""
        return self._lamp_s > 0

    @property
    def peak_db(self) -> float:
        """The held peak."""
        return self._held_db

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self.update()

    def show_level(self, level: Level, rate_hz: int) -> None:
        """Take how loud it was.

        Args:
            level: Since the last call; nothing changes where it is of no samples.
            rate_hz: Rate of its samples.
        """
        if level.samples == 0:
            return
        seconds = level.samples / rate_hz
        before = self._db, self._held_db, self.is_clipped
        db = max(LOWEST_DB, decibels(level.peak))
        self._db = max(db, self._db - _FALL_DB_PER_S * seconds)
        self._held_s += seconds
        if db >= self._held_db or self._held_s > _HOLD_S:
            self._held_db, self._held_s = db, 0.0
        self._lamp_s = _LAMP_S if level.clipped else max(0.0, self._lamp_s - seconds)
        self._silent_s = self._silent_s + seconds if level.peak == 0 else 0.0
        self._quiet_s = self._quiet_s + seconds if decibels(level.peak) < _QUIET_DB else 0.0
        self._tell()
        if before != (self._db, self._held_db, self.is_clipped):
            self.setToolTip(f"Peak {self._held_db:.0f} dB of full scale")
            self.update()

    def reset(self) -> None:
        """Nothing is heard any more."""
        self._db = self._held_db = LOWEST_DB
        self._lamp_s = self._silent_s = self._quiet_s = 0.0
        self._tell()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Wide and low."""
        return QSize(240, max(16, self.fontMetrics().height()))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """A click puts the lamp out."""
        self.put_out()

    def put_out(self) -> None:
        """Put the lamp for clipping out."""
        self._lamp_s = 0.0
        self._tell()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Draw trough, bar, held peak as a tick and as a number, and lamp."""
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        lamp, text_px = self.height(), self.fontMetrics().horizontalAdvance(_text(LOWEST_DB))
        bar = QRectF(0, 2, self.width() - text_px - lamp - 12, self.height() - 4)
        painter.fillRect(bar, QColor(self._colours.grid))
        for low_db, high_db, colour in (
            (LOWEST_DB, _WARM_DB, self._colours.ok),
            (_WARM_DB, _HOT_DB, self._colours.warning),
            (_HOT_DB, 0.0, self._colours.error),
        ):
            left, right = _place(low_db, bar), _place(min(high_db, self._db), bar)
            if right > left:
                part = QRectF(left, bar.top(), right - left, bar.height())
                painter.fillRect(part, QColor(colour))
        if self._held_db > LOWEST_DB:
            tick = QRectF(_place(self._held_db, bar) - 2, bar.top(), 2, bar.height())
            painter.fillRect(tick, QColor(self._colours.text))
            text = QRectF(bar.right() + 6, 0, text_px, self.height())
            painter.setPen(QColor(self._colours.text))
            painter.drawText(text, Qt.AlignmentFlag.AlignRight, _text(self._held_db))
            painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(self._colours.error if self.is_clipped else self._colours.grid))
        painter.drawEllipse(QRectF(self.width() - lamp + 1, 1, lamp - 2, lamp - 2))

    def _tell(self) -> None:
        hint = ""
        if self._silent_s >= _SILENT_AFTER_S:
            hint = SILENT
        elif self._quiet_s >= _QUIET_AFTER_S:
            hint = QUIET
        elif self.is_clipped:
            hint = CLIPPED
        if hint != self._hint:
            self._hint = hint
            self.hint_changed.emit(hint)


def decibels(peak: float) -> float:
    """Relative to full scale; -inf for nothing."""
    return 20 * math.log10(peak) if peak > 0 else -math.inf


def _text(db: float) -> str:
    return f"{db:.0f} dB"


def _place(db: float, bar: QRectF) -> float:
    return float(bar.left() + bar.width() * (1 - db / LOWEST_DB))
