"""The TOML file of --config: settings, and tables of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.toml_text import parse_toml, read_toml_text
from kws_app.actions.action import Action
from kws_app.actions.tables import check_switch, read_actions
from kws_app.arguments import hint

_ACTION = "action"  # heads the tables; `actions` is the switch
WINDOW_TABLE = "window"  # how the window looks; read by the window alone


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """What a file holds.

    Attributes:
        settings: By name, as TOML gave them.
        actions: In the order of the file.
    """

    settings: dict[str, Any]
    actions: tuple[Action, ...]


def read_config_file(path: Path, known: Sequence[str]) -> ConfigFile:
    """Read a file.

    Args:
        path: Where it is.
        known: Names of settings.

    Raises:
        ConfigError: It cannot be read, is no TOML, or holds something unknown or malformed.
    """
    try:
        text = read_toml_text(path)
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}") from err
    return parse_config(parse_toml(text, path), path, known)


def parse_config(data: Mapping[str, Any], path: Path, known: Sequence[str]) -> ConfigFile:
    """What the values of a file mean.

    Args:
        data: As TOML gave them.
        path: For messages.
        known: Names of settings.

    Raises:
        ConfigError: Something is unknown or malformed.
    """
    if not isinstance(data.get(WINDOW_TABLE, {}), Mapping):
        raise ConfigError(f"{path}: {WINDOW_TABLE} must be a table, [{WINDOW_TABLE}]")
    own = {name: value for name, value in data.items() if name not in (WINDOW_TABLE, _ACTION)}
    for name in own:
        if name not in known:
            suggestion = hint(name, [*known, _ACTION])
            raise ConfigError(f"{path}: setting {name!r} is unknown{suggestion}")
    check_switch(own.get("actions"), path)
    return ConfigFile(settings=own, actions=read_actions(data.get(_ACTION, []), path))
