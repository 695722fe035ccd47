"""Typed access to one table of the settings file; each mistake is one line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from engine.errors import ConfigError
from kws_app.arguments import hint

_KINDS = {
    bool: "a truth",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "a table",
}


class Table:
    """One table.

    Args:
        values: As TOML gave them.
        place: Where it stands, for messages.
    """

    def __init__(self, values: Mapping[str, Any], place: str) -> None:
        self.values = values
        self.place = place

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def fail(self, text: str) -> NoReturn:
        """Raise ConfigError with the place before the text."""
        raise ConfigError(f"{self.place}: {text}")

    def only(self, known: Collection[str], elsewhere: Mapping[str, str]) -> None:
        """Refuse other keys; `elsewhere` says of known ones where they belong."""
        for key in self.values:
            if key in known:
                continue
            if key in elsewhere:
                self.fail(f"{key} does not belong here; {elsewhere[key]}")
            self.fail(
                f"key {key!r} is unknown{hint(key, known)}; it may have {', '.join(sorted(known))}"
            )

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fail(f"{key} is {value!r}; it must be true or false, without quotes")
        return value

    def number(self, key: str, default: float, low: float, high: float, unit: str) -> float:
        """A number from low to high."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            of = f" of{unit}" if unit else ""
            self.fail(f"{key} is {value!r}; it must be a number{of}, without quotes")
        if not low <= value <= high:
            self.fail(f"{key} is {value}; it must be {low:g} to {high:g}{unit}")
        return value

    def text(self, key: str, example: str) -> str:
        """A text that is not empty and fits a line; the value itself is not shown."""
        value = self.values[key]
        if not isinstance(value, str):
            self.fail(f"{key} is {kind_of(value)}; it must be a text, for example {example}")
        if not value or not value.isprintable():
            state = "has control characters" if value else "is empty"
            self.fail(f"{key} {state}; write for example {example}")
        return value

    def optional_text(self, key: str, example: str) -> str | None:
        """Like `text`; None when the key is not there."""
        return self.text(key, example) if key in self.values else None


def kind_of(value: object) -> str:
    """What a value is, without showing it."""
    return _KINDS.get(type(value), "a date or time")
