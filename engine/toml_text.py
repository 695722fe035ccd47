"""Reads TOML that anybody may have written: whatever is wrong with it is one error."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

MAX_BYTES = 1_000_000  # settings take a few kB
MAX_PARTS = 20  # of a dotted key; settings have two
# tomllib remembers every beginning of a dotted key: 100,000 parts would take all memory.
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w\\-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_PARTS}}}")


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
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise ConfigError(f"{path} is not valid TOML: {err}") from err


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The values in a text.

    Args:
        text: TOML.
        path: For messages.

    Raises:
        ConfigError: It is no TOML, nested too deeply, or holds a number that TOML has no room for.
    """
    require_short_keys(text, path)
    try:
        data = tomllib.loads(text)
    except RecursionError as err:
        raise ConfigError(f"{path} is not valid TOML: brackets are nested too deeply") from err
    except ValueError as err:  # also numbers with thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {err}") from err
    _require_countable(data, path)
    return data


def require_short_keys(text: str, path: Path) -> None:
    """Refuse names of more parts than anybody writes; for those who parse for themselves.

    Raises:
        ConfigError: There is one; it says in which line.
    """
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ConfigError(
            f"{path} is not valid TOML: the name in line {line} has more than {MAX_PARTS} parts"
        )


def _require_countable(data: dict[str, Any], path: Path) -> None:
    """Refuse whole numbers of more than 64 bits, as TOML 1.0 wants it; tomllib takes them.

    Python would not even write one of more than 4,300 digits into a message.
    """
    rest: list[Any] = [data]
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            rest += value.values()
        elif isinstance(value, list):
            rest += value
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise ConfigError(f"{path} is not valid TOML: a whole number has more than 64 bits")
