"""Turns TOML tables into settings: every key known, every value of its type."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from engine.errors import ConfigError

T = TypeVar("T")


def from_table(cls: type[T], table: Mapping[str, Any], where: str) -> T:
    """Make a dataclass from a table.

    Args:
        cls: A dataclass whose fields are numbers, strings, booleans, tuples of them, or optional.
        table: Keys and values as TOML has them.
        where: For error messages: file and table.

    Raises:
        ConfigError: A key is unknown, a value has another type, or the dataclass refuses it.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    values = {}
    for key, value in table.items():
        if key not in names:
            near = difflib.get_close_matches(key, names, 1)
            meant = f"did you mean {near[0]!r}?" if near else f"it may have {', '.join(names)}"
            raise ConfigError(f"{where} has an unknown key {key!r}; {meant}")
        values[key] = _converted(value, hints[key], f"{where}: {key}")
    try:
        return cls(**values)
    except ConfigError as err:
        raise ConfigError(f"{where}: {err}") from err


def _converted(value: object, hint: Any, where: str) -> Any:
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ConfigError(f"{where} is a number of more than 64 bits; it is too large")
    for kind in kinds:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
            inner = typing.get_args(kind)
            if inner[-1] is Ellipsis:
                inner = (inner[0],) * len(value)
            if len(inner) == len(value):
                pairs = zip(value, inner, strict=True)
                return tuple(_converted(item, item_kind, where) for item, item_kind in pairs)
        elif isinstance(kind, type) and type(value) is kind:  # True is no number
            return value
    wanted = " or ".join(_name(kind) for kind in kinds if kind is not type(None))
    raise ConfigError(f"{where} is {value!r}; it must be {wanted}")


def _name(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if typing.get_origin(kind) is tuple:
        inner = [arg for arg in typing.get_args(kind) if arg is not Ellipsis]
        return f"a list of {len(inner)}" if len(inner) > 1 else "a list"
    return names.get(kind, getattr(kind, "__name__", str(kind)))
