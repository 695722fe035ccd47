"""Text can be read, and louder looks louder, in both themes."""

import dataclasses

import numpy as np
import pytest

from kws_app.gui.colours import DARK, LIGHT, Colours, waterfall_colours

BOTH = pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])

# From linear sRGB to the cones of OKLab (Ottosson 2020): the way back.
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB, by WCAG 2.1; shape [..., 3] to [...]."""
    value = np.asarray(rgb) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    """Of two "#rrggbb", 1 to 21, by WCAG 2.1."""
    first, second = (
        luminance(np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)])) for c in (one, other)
    )
    return float((max(first, second) + 0.05) / (min(first, second) + 0.05))


def cie_lightness(rgb: np.ndarray) -> np.ndarray:
    """L* of CIE 1976; independent of the space that the table is made in."""
    y = luminance(rgb)
    return np.where(y > 216 / 24389, 116 * np.cbrt(y) - 16, y * 24389 / 27)


def test_known_contrasts() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@BOTH
@pytest.mark.parametrize("role", ["text", "muted", "accent", "ok", "warning", "error"])
@pytest.mark.parametrize("ground", ["window", "base"])
def test_text_is_readable(colours: Colours, role: str, ground: str) -> None:
    assert contrast(getattr(colours, role), getattr(colours, ground)) >= 4.5


@BOTH
def test_text_on_the_accent_is_readable(colours: Colours) -> None:
    assert contrast(colours.accent_text, colours.accent) >= 4.5


@BOTH
@pytest.mark.parametrize("role", ["bar", "bar_fired", "threshold"])
@pytest.mark.parametrize("ground", ["window", "base"])
def test_what_is_drawn_can_be_told_from_the_ground(
    colours: Colours, role: str, ground: str
) -> None:
    assert contrast(getattr(colours, role), getattr(colours, ground)) >= 3.0


@BOTH
def test_a_threshold_can_be_seen_on_its_bar(colours: Colours) -> None:
    assert contrast(colours.threshold, colours.bar) >= 3.0
    assert contrast(colours.bar, colours.bar_fired) >= 1.25


@BOTH
def test_dark_is_what_it_says(colours: Colours) -> None:
    assert (contrast(colours.window, "#000000") < contrast(colours.window, "#ffffff")) == (
        colours.dark
    )


@BOTH
def test_louder_looks_evenly_louder(colours: Colours) -> None:
    table = colours.waterfall
    assert (table.shape, table.dtype) == ((256, 3), np.uint8)
    lightness = cie_lightness(table)
    steps = np.diff(lightness[::5]) * (1 if colours.dark else -1)  # 8 bits round single steps
    assert steps.min() > 0
    assert steps.max() < 2 * steps.min()
    assert abs(lightness[-1] - lightness[0]) > 70


@BOTH
def test_silence_looks_like_the_ground_and_all_can_be_told_apart(colours: Colours) -> None:
    ground = np.array([int(colours.base[i : i + 2], 16) for i in (1, 3, 5)])
    assert abs(cie_lightness(colours.waterfall[0]) - cie_lightness(ground)) < 5
    assert len({tuple(row) for row in colours.waterfall.tolist()}) >= 250


@BOTH
def test_chroma_gives_way_where_srgb_ends_and_lightness_does_not(colours: Colours) -> None:
    value = colours.waterfall / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    cones = np.cbrt(linear @ TO_CONES.T)
    lightness = cones @ np.array([0.2104542553, 0.7936177850, -0.0040720468])
    wanted = np.linspace(lightness[0], lightness[-1], 256)
    assert np.abs(lightness - wanted).max() < 0.004


def test_no_table_can_be_changed_by_mistake() -> None:
    with pytest.raises(ValueError, match="read-only"):
        DARK.waterfall[0] = 0


def test_no_entry_leaves_the_gamut() -> None:
    strong = waterfall_colours(0.0, 1.0)  # its ends are black and white
    assert strong[0].tolist() == [0, 0, 0]
    assert strong[-1].tolist() == [255, 255, 255]
    assert (np.diff(cie_lightness(strong)[::5]) >= 0).all()


def test_every_colour_is_one() -> None:
    for colours in (DARK, LIGHT):
        for item in dataclasses.fields(colours):
            value = getattr(colours, item.name)
            if isinstance(value, str):
                assert len(value) == 7
                assert int(value[1:], 16) >= 0
