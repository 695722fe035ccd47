"""Every colour of the window by its role, for a dark and a light theme."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_ENTRIES = 256
_CHROMA = 0.16  # of OKLab; less where sRGB has no such colour
_HUES = (285.0, 85.0)  # degrees, from a violet blue to a yellow
# From linear sRGB to cones and on to OKLab: Ottosson 2020, https://bottosson.github.io/posts/oklab/
_LAB_TO_CONES = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONES_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def waterfall_colours(first: float, last: float) -> NDArray[np.uint8]:
    """Colours from silent to loud, evenly spaced to the eye.

    Args:
        first: Lightness of OKLab for silence, 0 (black) to 1 (white).
        last: For the loudest.

    Returns:
        sRGB, shape [256, 3]. Lightness alone tells the order, so it survives colour blindness and
        grey printing; the hue makes near values easier to tell apart.
    """
    position = np.linspace(0.0, 1.0, _ENTRIES)
    lightness = first + (last - first) * position
    # Hue follows lightness in both directions: dark is blue, light is yellow.
    rise = (lightness - min(first, last)) / abs(last - first)
    hue = np.radians(_HUES[0] + ((_HUES[1] - _HUES[0] + 360.0) % 360.0) * rise)
    chroma = _CHROMA * np.sin(np.pi * position) ** 0.75
    linear = _to_linear(lightness, chroma, hue)
    for _ in range(60):
        outside = ((linear < 0.0) | (linear > 1.0)).any(axis=1)
        if not outside.any():
            break
        chroma = np.where(outside, chroma * 0.95, chroma)
        linear = _to_linear(lightness, chroma, hue)
    linear = linear.clip(0.0, 1.0)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    colours = np.rint(encoded * 255.0).astype(np.uint8)
    colours.flags.writeable = False
    return colours


def _to_linear(
    lightness: NDArray[np.float64], chroma: NDArray[np.float64], hue: NDArray[np.float64]
) -> NDArray[np.float64]:
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    linear: NDArray[np.float64] = ((lab @ _LAB_TO_CONES.T) ** 3) @ _CONES_TO_RGB.T
    return linear


@dataclass(frozen=True, kw_only=True)
class Colours:
    """One theme; colours as "#rrggbb".

    Attributes:
        dark: Whether light text stands on a dark ground.
        window: Ground of the window.
        base: Ground of lists, fields and plots.
        text: Text on both grounds.
        muted: Text that matters less.
        accent: Links, focus, what is selected.
        accent_text: Text on the accent.
        ok: Text: all is well.
        warning: Text: something needs attention.
        error: Text: something failed.
        bar: A posterior below its threshold.
        bar_fired: A keyword that has just fired.
        threshold: The tick on a bar.
        grid: Lines in plots and between parts.
        waterfall: From silent to loud, uint8 [256, 3], read only.
    """

    dark: bool
    window: str
    base: str
    text: str
    muted: str
    accent: str
    accent_text: str
    ok: str
    warning: str
    error: str
    bar: str
    bar_fired: str
    threshold: str
    grid: str
    waterfall: NDArray[np.uint8] = field(repr=False, compare=False)


DARK = Colours(
    dark=True,
    window="#1d2126",
    base="#15181c",
    text="#e6e9ed",
    muted="#a0a9b4",
    accent="#6cb2ee",
    accent_text="#0d1722",
    ok="#6cc788",
    warning="#f0b74e",
    error="#ff8a80",
    bar="#4a7fae",
    bar_fired="#ffc857",
    threshold="#f4f6f8",
    grid="#39414b",
    waterfall=waterfall_colours(0.20, 0.97),
)
LIGHT = Colours(
    dark=False,
    window="#f3f5f7",
    base="#ffffff",
    text="#1b2026",
    muted="#5a6470",
    accent="#1a66a8",
    accent_text="#ffffff",
    ok="#1f7a3d",
    warning="#8a5a00",
    error="#b3261e",
    bar="#4f88b9",
    bar_fired="#9a5700",
    threshold="#10171f",
    grid="#cdd4db",
    waterfall=waterfall_colours(0.99, 0.24),
)
