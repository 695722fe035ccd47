"""How a person left the window: the table [window] of the settings file."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from kws_app.arguments import hint
from kws_app.config_file import WINDOW_TABLE

_THEMES = ("system", "light", "dark")
_MAX_PX = 1 << 24  # Qt's own limit for a part of a window


@dataclass(frozen=True, kw_only=True)
class WindowState:
    """What the window remembers; the metadata names the kind for messages.

    Attributes:
        theme: One of "system", "light", "dark".
        geometry: QWidget.saveGeometry as base64; empty if never saved.
        layout: QMainWindow.saveState as base64; empty if never saved.
        splitter_px: Widths of the window's parts; empty if never saved.
        column_px: Heights of the parts of its left column; empty if never saved.
        recent_models: Model folders that were used, newest first.
        close_to_tray: Closing the window hides it, where there is a tray.
    """

    theme: str = field(default="system", metadata={"kind": f"one of {', '.join(_THEMES)}"})
    geometry: str = field(default="", metadata={"kind": "base64"})
    layout: str = field(default="", metadata={"kind": "base64"})
    splitter_px: tuple[int, ...] = field(default=(), metadata={"kind": "a list of sizes"})
    column_px: tuple[int, ...] = field(default=(), metadata={"kind": "a list of sizes"})
    recent_models: tuple[str, ...] = field(default=(), metadata={"kind": "a list of folders"})
    close_to_tray: bool = field(default=False, metadata={"kind": "true or false"})

    def __post_init__(self) -> None:
        """Refuse what the window could not use."""
        fits = {
            "theme": self.theme in _THEMES,
            "geometry": _is_base64(self.geometry),
            "layout": _is_base64(self.layout),
            "splitter_px": _are_sizes(self.splitter_px),
            "column_px": _are_sizes(self.column_px),
            "recent_models": isinstance(self.recent_models, tuple)
            and all(isinstance(folder, str) for folder in self.recent_models),
            "close_to_tray": isinstance(self.close_to_tray, bool),
        }
        for item in fields(self):
            if not fits[item.name]:
                raise ConfigError(
                    f"{WINDOW_TABLE}.{item.name} is {getattr(self, item.name)!r}; it must be "
                    f"{item.metadata['kind']}"
                )

    def as_toml(self) -> dict[str, Any]:
        """The values as TOML has them."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }


def window_state_of(table: Mapping[str, Any], path: Path) -> WindowState:
    """From the table of a file.

    Args:
        table: Its values.
        path: For messages.

    Raises:
        ConfigError: One is unknown or cannot be used.
    """
    known = [item.name for item in fields(WindowState)]
    for name in table:
        if name not in known:
            raise ConfigError(f"{path}: {WINDOW_TABLE}.{name} is unknown{hint(name, known)}")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in table.items()
    }
    try:
        return WindowState(**values)
    except ConfigError as err:
        raise ConfigError(f"{path}: {err}") from err


def to_base64(data: bytes) -> str:
    """Bytes of Qt as text for the file."""
    return base64.b64encode(data).decode("ascii")


def from_base64(text: str) -> bytes:
    """And back."""
    return base64.b64decode(text, validate=True)


def _are_sizes(value: object) -> bool:
    return isinstance(value, tuple) and all(
        type(size) is int and 0 <= size < _MAX_PX for size in value
    )


def _is_base64(text: object) -> bool:
    try:
        return isinstance(text, str) and from_base64(text) is not None
    except (binascii.Error, ValueError):
        return False
