"""What is remembered of the window is checked like any setting."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from kws_app.gui.theme import THEMES
from kws_app.gui.window_state import WindowState, from_base64, to_base64, window_state_of

FILE = Path("settings.toml")


def test_there_and_back() -> None:
    state = WindowState(
        theme="dark",
        geometry="AAE=",
        splitter_px=(1, 0),
        column_px=(2, 3),
        recent_models=("/a",),
        close_to_tray=True,
    )
    assert window_state_of(state.as_toml(), FILE) == state
    assert window_state_of({}, FILE) == WindowState()


def test_bytes_of_qt() -> None:
    assert from_base64(to_base64(b"\x00\xff")) == b"\x00\xff"
    assert from_base64("") == b""


def test_every_theme_can_be_remembered() -> None:
    assert [WindowState(theme=theme).theme for theme in THEMES] == list(THEMES)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("theme", "blue", "one of system, light, dark"),
        ("theme", 3, "one of system, light, dark"),
        ("geometry", "no base", "base64"),
        ("geometry", "ä", "base64"),
        ("geometry", "AA*AA", "base64"),
        ("geometry", 3, "base64"),
        ("layout", "A", "base64"),
        ("splitter_px", [1, "2"], "a list of sizes"),
        ("splitter_px", [-1], "a list of sizes"),
        ("splitter_px", [True], "a list of sizes"),
        ("splitter_px", 3, "a list of sizes"),
        ("splitter_px", [99_999_999_999, 1], "a list of sizes"),
        ("column_px", [1 << 24], "a list of sizes"),
        ("column_px", [1.5], "a list of sizes"),
        ("recent_models", [3], "a list of folders"),
        ("recent_models", "/a", "a list of folders"),
        ("close_to_tray", 1, "true or false"),
    ],
)
def test_what_cannot_be_used(name: str, value: Any, kind: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"settings.toml: window.{name} is .*; it must be {kind}"
    ):
        window_state_of({name: value}, FILE)


def test_unknown_keys() -> None:
    with pytest.raises(ConfigError, match=r"window.them is unknown \(did you mean 'theme'\?\)"):
        window_state_of({"them": "dark"}, FILE)


def test_every_value_has_a_kind_for_messages() -> None:
    assert all(item.metadata["kind"] for item in fields(WindowState))
