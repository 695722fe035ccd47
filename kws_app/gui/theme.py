"""Light, dark, or like the desktop; and sharp on every screen."""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtGui import QColor, QGuiApplication, QPalette
from qtpy.QtWidgets import QApplication, QToolTip

from engine.errors import ConfigError
from kws_app.gui.colours import DARK, LIGHT, Colours

__all__ = [
    "DARK",
    "LIGHT",
    "THEMES",
    "Colours",
    "Theme",
    "desktop_is_dark",
    "palette_of",
    "prepare_high_dpi",
]

THEMES = ("system", "light", "dark")
_MIDDLE_LIGHTNESS = 128  # of 0 to 255


class Theme(QObject):
    """Colours the application.

    Attributes:
        changed: Carries the new `Colours`; widgets that paint for themselves take theirs from it.
    """

    changed = Signal(object)

    def __init__(self, application: QApplication) -> None:
        """Remember what the desktop wants; make it before anything else sets a palette."""
        super().__init__(application)
        self._application = application
        self._desktop_is_dark = desktop_is_dark(application.palette(), os.environ)
        self._choice = ""
        self._colours = LIGHT

    @property
    def choice(self) -> str:
        """One of `THEMES`; empty before the first `apply`."""
        return self._choice

    @property
    def colours(self) -> Colours:
        """Those in force."""
        return self._colours

    def apply(self, choice: str) -> Colours:
        """Colour everything that is shown.

        Args:
            choice: One of `THEMES`. "system" is what the desktop wanted when the program started.

        Raises:
            ConfigError: It is none of them.
        """
        if choice not in THEMES:
            raise ConfigError(f"theme is {choice!r}; it must be one of {', '.join(THEMES)}")
        dark = self._desktop_is_dark if choice == "system" else choice == "dark"
        before, self._colours = self._colours, DARK if dark else LIGHT
        first, self._choice = not self._choice, choice
        if first or self._colours is not before:
            self._application.setStyle("Fusion")
            palette = palette_of(self._colours)
            self._application.setPalette(palette)
            QToolTip.setPalette(palette)
            self.changed.emit(self._colours)
        return self._colours


def prepare_high_dpi() -> None:
    """Let Qt scale, also by fractions; before the QApplication, afterwards it does nothing.

    Qt 6 always does so, and may have forgotten these names.
    """
    if QApplication.instance() is not None:
        return
    for name in ("AA_EnableHighDpiScaling", "AA_UseHighDpiPixmaps"):
        attribute = getattr(Qt.ApplicationAttribute, name, None)
        if attribute is not None:
            QApplication.setAttribute(attribute, True)
    policy = Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(policy)


def desktop_is_dark(palette: QPalette, environment: Mapping[str, str]) -> bool:
    """What the desktop wants, from what can be read without asking a service that may not answer.

    Args:
        palette: Qt's own, as the desktop's plugin has set it.
        environment: Usually os.environ; GTK_THEME and the folder of GTK's settings count.
    """
    if palette.color(QPalette.ColorRole.Window).lightness() < _MIDDLE_LIGHTNESS:
        return True
    name = environment.get("GTK_THEME", "").lower()
    if name:
        return name.endswith((":dark", "-dark"))
    home = environment.get("XDG_CONFIG_HOME") or Path(environment.get("HOME", "/")) / ".config"
    file = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        file.read_string((Path(home) / "gtk-3.0" / "settings.ini").read_text(encoding="utf-8"))
        settings = file["Settings"]
        if settings.getboolean("gtk-application-prefer-dark-theme", False):
            return True
        return settings.get("gtk-theme-name", "").lower().endswith("-dark")
    except (OSError, ValueError, KeyError, configparser.Error):
        return False


def palette_of(colours: Colours) -> QPalette:
    """The palette of Qt's own widgets."""
    role = QPalette.ColorRole
    palette = QPalette(QColor(colours.window))  # bevels and shadows follow from it
    for wanted, colour in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.base),
        (role.AlternateBase, colours.window),
        (role.Text, colours.text),
        (role.Button, colours.window),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.error),
        (role.ToolTipBase, colours.base),
        (role.ToolTipText, colours.text),
        (role.PlaceholderText, colours.muted),
        (role.Link, colours.accent),
        (role.LinkVisited, colours.muted),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.accent_text),
    ):
        palette.setColor(wanted, QColor(colour))
    for wanted in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, wanted, QColor(colours.muted))
    return palette
