"""The program's icon, and what it looks like in each state."""

from __future__ import annotations

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtSvg import QSvgRenderer

from kws_app.gui.colours import DARK
from kws_app.resources import asset

STATES = ("listening", "paused", "error")
_SIZES_PX = (16, 22, 24, 32, 48, 64, 128, 256)
_FADED = 0.45  # opacity of the icon when nothing is heard
_BADGE = 0.56  # of the icon's side, in its lower right corner


def application_icon() -> QIcon:
    """The icon as drawn."""
    return state_icon("listening")


def state_icon(state: str) -> QIcon:
    """The icon of a state; needs the QApplication.

    Args:
        state: "listening" is the icon as drawn, "paused" is faded with two bars, "error" is faded
            with a cross: shapes, as not everybody sees the colours.
    """
    icon = QIcon()
    renderer = QSvgRenderer(str(asset("icons/kws.svg")))
    for size in _SIZES_PX:
        icon.addPixmap(_draw(renderer, state, size))
    return icon


def _draw(renderer: QSvgRenderer, state: str, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if state != "listening":
        painter.setOpacity(_FADED)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.setOpacity(1.0)
    side = size * _BADGE
    place = QRectF(size - side, size - side, side, side)
    if state == "paused":
        _bars(painter, place)
    elif state == "error":
        _cross(painter, place)
    painter.end()
    return pixmap


def _disc(painter: QPainter, place: QRectF, colour: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(place)
    pen = QPen(QColor(DARK.base), place.width() * 0.16)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)


def _bars(painter: QPainter, place: QRectF) -> None:
    _disc(painter, place, DARK.warning)
    for part in (0.36, 0.64):
        x = place.left() + place.width() * part
        top, bottom = (place.top() + place.height() * y for y in (0.32, 0.68))
        painter.drawLine(QPointF(x, top), QPointF(x, bottom))


def _cross(painter: QPainter, place: QRectF) -> None:
    _disc(painter, place, DARK.error)
    inner = place.adjusted(*(place.width() * part for part in (0.32, 0.32, -0.32, -0.32)))
    painter.drawLine(inner.topLeft(), inner.bottomRight())
    painter.drawLine(inner.bottomLeft(), inner.topRight())
