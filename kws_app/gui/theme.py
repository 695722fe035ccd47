"""Colours by role."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


def _shades() -> npt.NDArray[np.uint8]:
    shade = np.linspace(0, 1, 256)
    red = np.clip(1.5 * shade - 0.2, 0, 1)
    blue = np.clip(0.3 + 0.5 * np.sin(3 * shade), 0, 1)
    return (255 * np.stack([red, shade**1.5, blue], axis=1)).astype(np.uint8)


@dataclass(frozen=True)
class Colours:
    """Colours of one theme, as "#rrggbb"; the waterfall's shades have shape [256, 3]."""

    window: str = "#1e2126"
    text: str = "#e8e8ea"
    muted: str = "#a0a4ab"
    accent: str = "#5ab0ff"
    ok: str = "#3fb56b"
    warning: str = "#e0a832"
    error: str = "#ff6b61"
    bar: str = "#4a7fb5"
    bar_fired: str = "#3fb56b"
    threshold: str = "#e8c060"
    grid: str = "#343942"
    waterfall: npt.NDArray[np.uint8] = field(default_factory=_shades)


DARK = Colours()
