"""Bars show the smoothed posteriors; thresholds follow mouse and keyboard."""

from typing import Any

import numpy as np
import pytest
from mouse import drag
from qtpy.QtCore import QPoint, Qt

from engine.config import DecisionConfig, OperatingPoint
from kws_app.gui.colours import DARK
from kws_app.gui.widgets.score_bars import ScoreBars

LABELS = ("_silence_", "_unknown_", "low", "high")


@pytest.fixture
def bars(qtbot: Any) -> ScoreBars:
    widget = ScoreBars(DARK)
    qtbot.addWidget(widget)
    widget.set_keywords(LABELS, LABELS[2:])
    point = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
    widget.set_decision(DecisionConfig(operating_points={"low": point, "high": point}))
    widget.resize(400, widget.sizeHint().height())
    widget.show()
    return widget


@pytest.fixture
def changes(bars: ScoreBars) -> list[tuple[str, float]]:
    heard: list[tuple[str, float]] = []
    bars.threshold_changed.connect(lambda word, value: heard.append((word, value)))
    return heard


def pull(qtbot: Any, bars: ScoreBars, word: str, by_px: int, *, grab_px: int = 0) -> None:
    drag(qtbot, bars, QPoint(bars.threshold_x(word) + grab_px, bars.row_y(word)), by_px)


def test_a_threshold_is_dragged(
    bars: ScoreBars, changes: list[tuple[str, float]], qtbot: Any
) -> None:
    before_x = bars.threshold_x("high")
    pull(qtbot, bars, "high", 30)
    assert changes[-1][0] == "high"
    assert bars.threshold("high") == changes[-1][1] > 0.6
    assert bars.threshold_x("high") == pytest.approx(before_x + 30, abs=2)
    assert bars.threshold("low") == 0.6


def test_it_stays_within_its_range(bars: ScoreBars, qtbot: Any) -> None:
    pull(qtbot, bars, "low", 5_000)
    assert bars.threshold("low") == 1.0
    pull(qtbot, bars, "low", -5_000)
    assert bars.threshold("low") == 0.01


def test_only_the_line_itself_can_be_grabbed(
    bars: ScoreBars, changes: list[tuple[str, float]], qtbot: Any
) -> None:
    pull(qtbot, bars, "low", 30, grab_px=-40)
    assert changes == []


def test_the_keyboard_does_what_the_mouse_can(
    bars: ScoreBars, changes: list[tuple[str, float]], qtbot: Any
) -> None:
    switched: list[tuple[str, bool]] = []
    bars.enabled_changed.connect(lambda word, on: switched.append((word, on)))
    bars.setFocus()
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    qtbot.keyClick(bars, Qt.Key.Key_Down)
    qtbot.keyClick(bars, Qt.Key.Key_Left)
    qtbot.keyClick(bars, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert changes == [("low", 0.61), ("high", 0.59), ("high", 0.589)]
    qtbot.keyClick(bars, Qt.Key.Key_Space)
    qtbot.keyClick(bars, Qt.Key.Key_Right)  # what is off has no threshold to change
    assert switched == [("high", False)]
    assert len(changes) == 3
    qtbot.keyClick(bars, Qt.Key.Key_Down)  # no row below
    qtbot.keyClick(bars, Qt.Key.Key_Up)
    qtbot.keyClick(bars, Qt.Key.Key_Up)
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    assert changes[-1][0] == "low"


def test_the_row_of_the_keys_is_told_and_brought_into_view(bars: ScoreBars, qtbot: Any) -> None:
    places: list[int] = []
    bars.row_chosen.connect(places.append)
    qtbot.keyClick(bars, Qt.Key.Key_Down)
    assert places == [bars.row_y("high")]
    assert bars.accessibleDescription() == "high, threshold 0.600"
    qtbot.keyClick(bars, Qt.Key.Key_Right)
    assert bars.accessibleDescription() == "high, threshold 0.610"
    qtbot.keyClick(bars, Qt.Key.Key_Space)
    assert bars.accessibleDescription() == "high, switched off"


def test_names_thresholds_and_values_have_room_however_narrow_it_is(bars: ScoreBars) -> None:
    bars.resize(bars.minimumSizeHint())
    texts = bars.fontMetrics().horizontalAdvance("high 0.00")
    assert texts + 80 < bars.minimumSizeHint().width() < texts + 160
    bars.set_decision(
        DecisionConfig(operating_points={"low": OperatingPoint(threshold=1, rearm_threshold=1)})
    )
    assert bars.threshold_x("low") + bars.fontMetrics().horizontalAdvance("0.00") < bars.width()


def test_a_click_on_the_name_switches_it(bars: ScoreBars, qtbot: Any) -> None:
    switched: list[tuple[str, bool]] = []
    bars.enabled_changed.connect(lambda word, on: switched.append((word, on)))
    for _ in range(2):
        qtbot.mouseClick(bars, Qt.MouseButton.LeftButton, pos=QPoint(10, bars.row_y("low")))
    assert switched == [("low", False), ("low", True)]


def test_a_bar_is_as_long_as_its_posterior(bars: ScoreBars) -> None:
    y = bars.row_y("low")
    empty = bars.grab().toImage()
    bars.show_scores(np.array([0, 0.7, 0.25, 0.1], np.float32), "", 0.1)
    image = bars.grab().toImage()
    left = bars.threshold_x("low") - 0.6 * (width := bar_width(bars))
    changed = [x for x in range(400) if image.pixel(x, y) != empty.pixel(x, y)]
    inside = [x for x in changed if x < left + width]
    assert len(inside) == pytest.approx(0.25 * width, abs=3)


def bar_width(bars: ScoreBars) -> float:
    zero = bars._x_of(0.0)
    return bars._x_of(1.0) - zero


def test_what_fired_glows_for_a_while(bars: ScoreBars) -> None:
    scores = np.array([0, 0, 0.9, 0], np.float32)
    bars.show_scores(scores, "low", 0.1)
    x, y = round(bars._x_of(0.3)), bars.row_y("low")
    assert bars.grab().toImage().pixel(x, y) & 0xFFFFFF == int(DARK.bar_fired[1:], 16)
    for _ in range(16):
        bars.show_scores(scores, "", 0.1)
    assert bars.grab().toImage().pixel(x, y) & 0xFFFFFF == int(DARK.bar[1:], 16)


def test_keywords_that_are_off_keep_their_place(bars: ScoreBars) -> None:
    point = OperatingPoint(threshold=0.5, rearm_threshold=0.3)
    bars.set_decision(DecisionConfig(operating_points={"high": point}))
    assert bars.threshold("high") == 0.5
    assert bars.threshold("low") == 0.6
    bars.reset()
    assert bars.sizeHint().height() == 2 * bars._row_px


def test_larger_letters_make_room_for_themselves(bars: ScoreBars) -> None:
    before_px, before_x = bars.sizeHint().height(), bars._bar_area().left()
    font = bars.font()
    font.setPointSizeF(3 * font.pointSizeF())
    bars.setFont(font)
    assert bars.sizeHint().height() > 1.5 * before_px
    assert bars._bar_area().left() > before_x
