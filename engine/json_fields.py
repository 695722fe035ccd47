"""Takes a JSON object of unknown origin apart, field by field."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from engine.errors import ModelError

_MAX_SHOWN = 80


class Fields:
    """Takes named fields of expected types out of a JSON object; the rest is an error."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, dict):
            raise ModelError(f"{where} holds a {type(data).__name__}; it must hold an object")
        self.where = where
        self._data = dict(data)

    def take(self, name: str, kind: type | tuple[type, ...]) -> Any:
        """One field; raises ModelError if it is missing or of another type."""
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join("null" if k is type(None) else k.__name__ for k in kinds)
        if name not in self._data:
            raise ModelError(f"{self.where}: field {name!r} is missing; it must be {wanted}")
        value = self._data.pop(name)
        if float in kinds and isinstance(value, int) and not isinstance(value, bool):
            value = as_float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kinds):
            raise ModelError(
                f"{self.where}: field {shown(name)} is {shown(value)}; it must be {wanted}"
            )
        return value

    def take_object(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self.take(name, dict), f"{self.where}: {name}")

    def take_strings(self, name: str) -> tuple[str, ...]:
        """A list of different strings."""
        values = self.take(name, list)
        if not all(isinstance(v, str) and v for v in values) or len(set(values)) != len(values):
            raise ModelError(
                f"{self.where}: field {name!r} is {shown(values)}; it must be a list of "
                "different, non-empty strings"
            )
        return tuple(values)

    def take_choice(self, name: str, choices: tuple[str, ...]) -> str:
        """A string out of a few."""
        value: str = self.take(name, str)
        if value not in choices:
            raise ModelError(
                f"{self.where}: field {name!r} is {shown(value)}; it must be one of "
                f"{', '.join(choices)}"
            )
        return value

    def names(self) -> list[str]:
        """Names not taken yet."""
        return list(self._data)

    def finish(self) -> None:
        """Raise ModelError if fields are left that nobody reads."""
        if self._data:
            name = shown(next(iter(self._data)))
            raise ModelError(f"{self.where}: unknown field {name}; remove it or update kws")


def one_object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; Python would take the last of two equal names, another program the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"{twice[:_MAX_SHOWN]!r} stands in it twice")
    return found


def as_float(value: float) -> float:
    """A number as float; infinite where float has none so large, which no field accepts."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def shown(value: object) -> str:
    """A value for one line of a message."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."
