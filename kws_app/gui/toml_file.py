"""Changes single keys of a TOML file, and leaves the rest as a person wrote it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

import tomlkit
import tomlkit.exceptions

from engine.errors import ConfigError
from engine.toml_text import parse_toml, read_toml_text
from kws_app.values import convert

# From a key or a table and its key to the new value; None removes it.
Changes: TypeAlias = dict[tuple[str, ...], Any]

_FIRST_LINE = "# Settings of kws. The window changes single keys; --config reads the file too.\n"


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a file; none if it is not there.

    Raises:
        ConfigError: It cannot be read, or is no TOML.
    """
    return parse_toml(_read(path), path)


def save_toml(
    path: Path, changes: Mapping[tuple[str, ...], Any], check: Callable[[dict[str, Any]], object]
) -> None:
    """Read a file anew, change some keys and replace it, whole or not at all.

    Args:
        path: Of the file; a link stays one.
        changes: What to change.
        check: Raises ConfigError for values that must not be there, before or afterwards.

    Raises:
        ConfigError: The file is damaged and stays as it is, or it cannot be written.
    """
    text = _read(path)
    values = parse_toml(text, path)
    check(values)
    _change(values, changes)
    check(values)
    try:
        document = tomlkit.parse(text or _FIRST_LINE)
        _change(document, changes)
        new = tomlkit.dumps(document)
    except tomlkit.exceptions.TOMLKitError as err:
        raise ConfigError(f"{path} cannot be changed: {err}; change it by hand") from err
    if parse_toml(new, path) != values:
        raise ConfigError(f"{path} is laid out so that it cannot be changed; change it by hand")
    try:
        _replace(path.resolve(), new)
    except OSError as err:
        raise ConfigError(f"cannot write {path}: {err.strerror}") from err


def _read(path: Path) -> str:
    try:
        return read_toml_text(path)
    except FileNotFoundError:
        return ""
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err


def _change(document: MutableMapping[str, Any], changes: Mapping[tuple[str, ...], Any]) -> None:
    for (name, *rest), value in changes.items():
        if not rest:
            _set(document, name, value)
            continue
        if not isinstance(document.get(name), MutableMapping):
            if value is None and name not in document:
                continue
            written = document.get(name, {})  # thresholds may also be a list or one text
            document[name] = dict(convert(name, "Mapping[str, float]", written))
        _set(document[name], rest[0], value)


def _set(table: MutableMapping[str, Any], name: str, value: Any) -> None:
    if value is not None:
        table[name] = value
    elif name in table:
        del table[name]


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, aside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
