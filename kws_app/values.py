"""Turns the text of flags and variables and the values of TOML into settings, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError

_KIND_NAMES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "tuple[str, ...]": "a list of words",
    "Mapping[str, float]": "a list of KEYWORD=VALUE",
    "Path": "a path without zero bytes",
    "str": "a text without zero bytes",
}
_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def convert(name: str, kind: str, value: Any) -> Any:
    """One setting from its text, list or TOML form.

    Args:
        name: The setting.
        kind: Its annotation, for example "int | None".
        value: What was given.

    Raises:
        ConfigError: The value is not of that kind.
    """
    wanted = kind.removesuffix(" | None")
    try:
        match wanted:
            case "bool":
                return _boolean(value)
            case "int":
                return _whole(value)
            case "float":
                return _number(value)
            case "tuple[str, ...]":
                parts = value.split(",") if isinstance(value, str) else [str(v) for v in value]
                return tuple(word.strip() for word in parts if word.strip())
            case "Mapping[str, float]":
                return _thresholds(value)
            case "Path":
                return Path(_without_zeros(value))
            case _:
                return _text(value)
    except (TypeError, ValueError, OverflowError) as err:
        raise ConfigError(f"{name} is {value!r}; it must be {_KIND_NAMES[wanted]}") from err


def to_toml_value(value: Any) -> str:
    """A setting as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(to_toml_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        pairs = (f"{to_toml_value(key)} = {to_toml_value(item)}" for key, item in value.items())
        return "{ " + ", ".join(pairs) + " }"
    # Also a basic string of TOML, which has one more character that must be escaped.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in _TRUTHS:
        raise ValueError(value)
    return _TRUTHS[str(value).lower()]


def _whole(value: Any) -> int:
    if isinstance(value, bool | float):
        raise TypeError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError(value)
    return float(value)


def _text(value: Any) -> str:
    # TOML's index 3 and name "3" mean the same device; anything else is a mistake.
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(value)
    return _without_zeros(str(value))


def _without_zeros(text: str) -> str:
    """No name of a file or a device holds one; the system would raise ValueError."""
    if "\0" in str(text):
        raise ValueError(text)
    return text


def _thresholds(value: Any) -> dict[str, float]:
    """From a TOML table, or from pairs: texts with commas between them."""
    if isinstance(value, Mapping):
        return {str(word): _number(number) for word, number in value.items()}
    result = {}
    texts = [value] if isinstance(value, str) else value
    for pair in (pair for text in texts for pair in str(text).split(",")):
        word, _, number = pair.partition("=")
        try:
            result[word.strip()] = float(number)
        except ValueError as err:
            raise ConfigError(
                f"threshold {pair!r} is not KEYWORD=VALUE, for example yes=0.8"
            ) from err
    return result
