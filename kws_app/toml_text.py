"""Reads TOML that anybody may have written: whatever is wrong with it is one error."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.toml_guard import require_short_keys

MAX_BYTES = 1_000_000  # settings take a few kB


def is_text(text: str) -> bool:
    """Whether UTF-8 holds it; a file's name may be bytes that are no text."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def read_toml_text(path: Path) -> str:
    """The text of a file, with the ends of lines as they are.

    Raises:
        OSError: It cannot be read.
        ConfigError: It is too large, or no text.
    """
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES} bytes; it holds no settings")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path} is not valid TOML: {err}") from err


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The values in a text.

    Args:
        text: TOML.
        path: For messages.

    Raises:
        ConfigError: It is no TOML, or nested too deeply.
    """
    try:
        require_short_keys(text)
        return tomllib.loads(text)
    except RecursionError as err:
        raise ConfigError(f"{path} is not valid TOML: brackets are nested too deeply") from err
    except ValueError as err:  # also numbers with thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {err}") from err
