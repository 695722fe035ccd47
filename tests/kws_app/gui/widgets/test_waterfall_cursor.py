"""Arrow keys choose a moment of the waterfall, Enter asks why."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QApplication

from engine.config import DecisionConfig
from engine.manifest import load_manifest
from kws_app.gui.colours import DARK, LIGHT
from kws_app.gui.memory import Moment
from kws_app.gui.widgets.waterfall import SHOWN_S, Waterfall
from kws_app.gui.widgets.waterfall_cursor import WaterfallCursor

HOP = 1_600
NOTHING = np.zeros(4, np.float32)


def moments(first: int, count: int) -> list[Moment]:
    return [
        Moment(
            end_sample=16_000 + HOP * (first + number),
            probs=NOTHING,
            smoothed=NOTHING,
            held_back={},
            fired="",
            decision=DecisionConfig(),
            seen_at_s=0.0,
            columns=np.zeros((10, 128), np.float32),
        )
        for number in range(count)
    ]


@pytest.fixture
def waterfall(qtbot: Any, tiny_folder: Path) -> Waterfall:
    made = Waterfall(load_manifest(tiny_folder), DARK)
    qtbot.addWidget(made)
    made.resize(1_000, 200)
    return made


@pytest.fixture
def cursor(waterfall: Waterfall, qtbot: Any, tiny_folder: Path) -> WaterfallCursor:
    made = WaterfallCursor(waterfall, load_manifest(tiny_folder), DARK)
    waterfall.show()
    waterfall.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is waterfall, timeout=10_000)
    waterfall.setFocus()
    return made


def press(qtbot: Any, waterfall: Waterfall, *keys: Any, shift: bool = False) -> None:
    modifier = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    for key in keys:
        qtbot.keyClick(waterfall, key, modifier)


def test_a_moment_is_chosen_and_asked_about(
    waterfall: Waterfall, cursor: WaterfallCursor, qtbot: Any
) -> None:
    asked: list[int] = []
    waterfall.asked.connect(asked.append)
    press(qtbot, waterfall, Qt.Key.Key_Return)
    assert asked == []  # nothing was heard yet
    waterfall.add(moments(0, 50))
    newest = 16_000 + 49 * HOP
    press(qtbot, waterfall, Qt.Key.Key_Return)
    press(qtbot, waterfall, Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Space)
    press(qtbot, waterfall, Qt.Key.Key_Left, shift=True)
    press(qtbot, waterfall, Qt.Key.Key_Enter)
    assert asked == [newest, newest - 2 * HOP, newest - 2 * HOP - 16_000]


def test_a_chosen_moment_moves_with_the_picture_and_the_newest_does_not(
    waterfall: Waterfall, cursor: WaterfallCursor, qtbot: Any
) -> None:
    waterfall.add(moments(0, 50))
    waterfall.add(moments(50, 10))
    newest = 16_000 + 59 * HOP
    assert cursor.sample == newest
    press(qtbot, waterfall, Qt.Key.Key_Left)
    waterfall.add(moments(60, 10))
    assert cursor.sample == newest - HOP
    press(qtbot, waterfall, *[Qt.Key.Key_Right] * 30)  # not beyond the newest, and on with it
    waterfall.add(moments(70, 100))
    assert cursor.sample == 16_000 + 169 * HOP


def test_it_stays_where_there_is_a_picture(
    waterfall: Waterfall, cursor: WaterfallCursor, qtbot: Any
) -> None:
    waterfall.add(moments(0, 200))
    newest = 16_000 + 199 * HOP
    press(qtbot, waterfall, Qt.Key.Key_Home)
    assert cursor.sample == newest - SHOWN_S * 16_000
    waterfall.add(moments(200, 10))
    assert cursor.sample == newest + 10 * HOP - SHOWN_S * 16_000
    press(qtbot, waterfall, Qt.Key.Key_End)
    assert cursor.sample == newest + 10 * HOP
    press(qtbot, waterfall, Qt.Key.Key_Left)
    cursor.reset()
    assert cursor.sample == newest + 10 * HOP


def test_it_is_seen_while_the_waterfall_has_the_focus(
    waterfall: Waterfall, cursor: WaterfallCursor, qtbot: Any
) -> None:
    waterfall.add(moments(0, 50))
    assert cursor.isVisible()
    with_focus = waterfall.grab().toImage()
    waterfall.clearFocus()
    assert not cursor.isVisible()
    assert waterfall.grab().toImage() != with_focus
    waterfall.resize(500, 150)
    waterfall.setFocus()
    assert cursor.size() == waterfall.size()
    cursor.set_colours(LIGHT)
    image = cursor.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert image.pixelColor(1, 75).name() == LIGHT.accent


def test_the_mouse_and_other_keys_go_through(
    waterfall: Waterfall, cursor: WaterfallCursor, qtbot: Any
) -> None:
    waterfall.add(moments(0, 50))
    asked: list[int] = []
    waterfall.asked.connect(asked.append)
    qtbot.mouseClick(waterfall, Qt.MouseButton.LeftButton, pos=QPoint(900, 100))
    assert asked == [16_000 + 49 * HOP - 16_000]
    assert not waterfall.childAt(QPoint(900, 100))
    press(qtbot, waterfall, Qt.Key.Key_A)
    assert cursor.sample == 16_000 + 49 * HOP
