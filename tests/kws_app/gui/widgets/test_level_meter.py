"""The meter says what is loud, clipped, quiet and silent."""

import math
from typing import Any

import pytest
from qtpy.QtCore import Qt

from kws_app.gui.colours import DARK
from kws_app.gui.memory import Level
from kws_app.gui.widgets.level_meter import CLIPPED, QUIET, SILENT, LevelMeter, decibels

RATE_HZ = 16_000


@pytest.fixture
def meter(qtbot: Any) -> LevelMeter:
    widget = LevelMeter(DARK)
    qtbot.addWidget(widget)
    widget.resize(300, 20)
    widget.show()
    return widget


def hear(meter: LevelMeter, peak: float, seconds: float = 0.1, clipped: int = 0) -> None:
    for _ in range(round(seconds / 0.1)):
        meter.show_level(Level(peak=peak, samples=1_600, clipped=clipped), RATE_HZ)


def test_decibels() -> None:
    assert decibels(1.0) == 0
    assert decibels(0.1) == pytest.approx(-20)
    assert decibels(0) == -math.inf


def test_the_peak_is_held_and_then_falls(meter: LevelMeter) -> None:
    hear(meter, 0.5)
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    hear(meter, 0.01, 1.4)
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    hear(meter, 0.01, 0.3)
    assert meter.peak_db == pytest.approx(-40)


def test_the_lamp_goes_out_by_itself_and_by_a_click(meter: LevelMeter, qtbot: Any) -> None:
    hear(meter, 1.0, clipped=3)
    assert meter.is_clipped
    assert meter.hint == CLIPPED
    hear(meter, 0.1, 2.8)
    assert meter.is_clipped
    hear(meter, 0.1, 0.4)
    assert not meter.is_clipped
    assert meter.hint == ""
    hear(meter, 1.0, clipped=1)
    qtbot.mouseClick(meter, Qt.MouseButton.LeftButton)
    assert not meter.is_clipped


def test_silence_and_quiet_are_told_apart_and_end_with_sound(meter: LevelMeter, qtbot: Any) -> None:
    hints: list[str] = []
    meter.hint_changed.connect(hints.append)
    hear(meter, 0.0, 1.8)
    assert hints == []
    hear(meter, 0.0, 0.3)
    assert hints == [SILENT]
    hear(meter, 0.0005, 7.8)  # -66 dB; quiet for ten seconds in all
    assert hints == [SILENT, ""]
    hear(meter, 0.0005, 0.3)
    assert hints == [SILENT, "", QUIET]
    hear(meter, 0.05)
    assert hints[-1] == ""


def test_nothing_heard_changes_nothing(meter: LevelMeter) -> None:
    hear(meter, 0.5)
    meter.show_level(Level(), RATE_HZ)
    assert meter.peak_db == pytest.approx(-6.02, abs=0.01)
    meter.reset()
    assert meter.peak_db == -60


def test_the_bar_is_as_long_as_the_level(meter: LevelMeter) -> None:
    empty = meter.grab().toImage()
    hear(meter, 10 ** (-30 / 20))  # half of 60 dB
    image = meter.grab().toImage()
    bar = meter.width() - meter.height() - meter.fontMetrics().horizontalAdvance("-60 dB") - 12
    changed = [x for x in range(bar) if image.pixel(x, 10) != empty.pixel(x, 10)]
    assert len(changed) == pytest.approx(bar / 2, abs=4)
    # The peak as a number stands beside it.
    beside = range(bar + 2, meter.width() - meter.height() - 2)
    assert any(image.pixel(x, y) != empty.pixel(x, y) for x in beside for y in range(20))
