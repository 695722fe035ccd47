"""Columns come from the right, marks stand where words ended, gaps are dark."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor

from engine.config import DecisionConfig
from engine.manifest import ModelManifest, load_manifest
from kws_app.gui.colours import DARK, LIGHT, Colours
from kws_app.gui.memory import Moment
from kws_app.gui.pictures import height_share
from kws_app.gui.widgets.waterfall import Waterfall


@pytest.fixture
def manifest(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


@pytest.fixture
def waterfall(qtbot: Any, manifest: ModelManifest) -> Waterfall:
    widget = Waterfall(manifest, DARK)
    qtbot.addWidget(widget)
    widget.resize(1_000, 128)
    widget.show()
    return widget


def moment(end_sample: int, shade: float, n: int = 10, fired: str = "") -> Moment:
    return Moment(
        end_sample=end_sample,
        probs=np.zeros(4, np.float32),
        smoothed=np.zeros(4, np.float32),
        held_back={},
        fired=fired,
        decision=DecisionConfig(),
        seen_at_s=0.0,
        columns=np.full((n, 128), shade, np.float32),
    )


def column(waterfall: Waterfall, x: int) -> int:
    return int(waterfall.grab().toImage().pixel(x, 100))


def shade(index: int, colours: Colours = DARK) -> int:
    red, green, blue = map(int, colours.waterfall[index])
    return 0xFF000000 | red << 16 | green << 8 | blue


def test_the_newest_column_stands_on_the_right(waterfall: Waterfall) -> None:
    waterfall.add([moment(16_000, 5.0, 98)])
    waterfall.add([moment(17_600, -5.0), moment(19_200, -5.0)])
    assert column(waterfall, 990) == shade(0)  # the last 20 columns, a pixel each
    assert column(waterfall, 970) == shade(255)
    assert column(waterfall, 1000 - 118 - 5) == shade(0)  # nothing was heard there


def test_the_ring_goes_round(waterfall: Waterfall) -> None:
    for i in range(130):  # 13 s
        waterfall.add([moment(16_000 + 1_600 * i, 5.0 if i % 2 else -5.0)])
    assert [column(waterfall, 995 - 10 * i) for i in range(4)] == [shade(255), shade(0)] * 2
    assert column(waterfall, 105) == shade(0)
    assert column(waterfall, 115) == shade(255)


def test_frequencies_are_legible_on_every_colour(
    waterfall: Waterfall, manifest: ModelManifest
) -> None:
    y = round(128 * (1 - height_share(1_000, manifest.fbank)))

    def lightness() -> tuple[int, int]:
        image = waterfall.grab().toImage()
        return image.pixelColor(8, y).lightness(), image.pixelColor(200, y).lightness()

    for end_sample, loudness in ((16_000, -5.0), (176_000, 5.0)):
        waterfall.add([moment(end_sample, loudness, 1_000)])
        ground, picture = lightness()
        text = QColor(DARK.text).lightness()
        assert text - ground > 120
    assert text - picture < 60  # on it the text alone could not be read


def test_skipped_windows_leave_a_dark_gap(waterfall: Waterfall) -> None:
    waterfall.add([moment(16_000, 5.0, 98)])
    waterfall.add([moment(16_000 + 16_000 + 3_200, 5.0, 98)])  # 118 frames later, 98 of them seen
    assert column(waterfall, 1_000 - 98 - 10) == shade(0)
    assert column(waterfall, 1_000 - 98 - 25) == shade(255)


def test_another_theme_colours_what_was_heard_before(waterfall: Waterfall) -> None:
    waterfall.add([moment(16_000, 5.0, 98)])
    waterfall.set_colours(LIGHT)
    assert column(waterfall, 990) == shade(255, LIGHT)
    assert column(waterfall, 500) == shade(0, LIGHT)


def test_what_was_scored_while_nobody_looked_is_drawn_once(waterfall: Waterfall) -> None:
    waterfall.add([moment(16_000, 5.0, 98)])
    missed = [moment(17_600 + 1_600 * i, 5.0 if i == 130 else -5.0) for i in range(140)]
    waterfall.show_newest(missed)
    waterfall.add(missed[-5:])  # told again by the next look
    assert column(waterfall, 1_000 - 95) == shade(255)
    assert [column(waterfall, 1_000 - x) for x in (5, 85, 105, 500)] == [shade(0)] * 4
    waterfall.show_newest([])
    assert column(waterfall, 1_000 - 95) == shade(0)


def test_words_are_marked_where_they_ended(waterfall: Waterfall) -> None:
    waterfall.add([moment(16_000, -5.0, 98)])
    before = waterfall.grab().toImage()
    waterfall.add([moment(17_600, -5.0, fired="low")])
    waterfall.add([moment(17_600 + 1_600 * i, -5.0) for i in range(1, 11)])  # a second later
    image = waterfall.grab().toImage()
    white = 0xFF000000 | int(DARK.text[1:], 16)
    assert image.pixel(900, 120) == white
    assert before.pixel(900, 120) != white
    waterfall.add([moment(17_600 + 1_600 * i, -5.0) for i in range(11, 111)])  # out of sight
    assert white not in {waterfall.grab().toImage().pixel(x, 120) for x in range(1_000)}


def test_a_click_asks_about_the_moment_under_it(waterfall: Waterfall, qtbot: Any) -> None:
    asked: list[int] = []
    waterfall.asked.connect(asked.append)
    qtbot.mouseClick(waterfall, Qt.MouseButton.LeftButton, pos=QPoint(900, 50))
    assert asked == []  # nothing was heard yet
    waterfall.add([moment(160_000, 0.0)])
    qtbot.mouseClick(waterfall, Qt.MouseButton.LeftButton, pos=QPoint(900, 50))
    assert asked == [pytest.approx(144_000, abs=200)]


def test_another_model_begins_with_an_empty_picture(
    waterfall: Waterfall, manifest: ModelManifest
) -> None:
    waterfall.add([moment(16_000, 5.0, 98)])
    waterfall.set_manifest(manifest)
    assert column(waterfall, 990) == shade(0)
