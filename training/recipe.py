"""Recipes: TOML files that say what a run is made of, from another recipe on if they wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.toml_text import parse_toml, read_toml_text
from training.data.scene_config import SceneConfig
from training.settings import AugmentConfig, DataConfig, FitConfig, ModelConfig
from training.tables import from_table

RECIPES = Path(__file__).parent / "recipes"
_TABLES: dict[str, type] = {
    "data": DataConfig,
    "features": FbankConfig,
    "model": ModelConfig,
    "scene": SceneConfig,
    "augment": AugmentConfig,
    "fit": FitConfig,
}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what a run does.

    Attributes:
        data: What to train on.
        features: Fbank.
        model: Shape and start.
        scene: What composed windows are made of.
        augment: What is done to a batch.
        fit: How to train.
        given: The tables as they were given, for features that a start would decide otherwise.
    """

    data: DataConfig
    features: FbankConfig
    model: ModelConfig
    scene: SceneConfig
    augment: AugmentConfig
    fit: FitConfig
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def recipe_names() -> list[str]:
    """Recipes that come with the program."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_recipe(
    name_or_path: str, changes: Sequence[str] = (), *, data_folder: str | None = None
) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: One of `recipe_names()`, or a TOML file; `recipe = "words"` in it names the
            recipe that it changes.
        changes: More changes, as in `fit.steps=100`; values as TOML has them, text without quotes.
        data_folder: In place of the recipe's data.folder.

    Raises:
        ConfigError: It cannot be read, or a key or value is wrong.
    """
    tables = _read(name_or_path)
    for change in changes:
        _apply(tables, change)
    if data_folder is not None:
        tables["data"] = {**tables.get("data", {}), "folder": data_folder}
    unknown = set(tables) - set(_TABLES)
    if unknown:
        raise ConfigError(
            f"recipe {name_or_path} has an unknown table [{min(unknown)}]; it may have "
            f"{', '.join(_TABLES)}"
        )
    parts: dict[str, Any] = {
        name: from_table(cls, tables.get(name, {}), f"recipe {name_or_path} [{name}]")
        for name, cls in _TABLES.items()
    }
    return Recipe(**parts, given=tables)


def _read(name_or_path: str, depth: int = 0) -> dict[str, dict[str, Any]]:
    own = name_or_path in recipe_names()
    path = RECIPES / f"{name_or_path}.toml" if own else Path(name_or_path)
    try:
        data = parse_toml(read_toml_text(path), path)
    except OSError as err:
        raise ConfigError(
            f"cannot read recipe {name_or_path}: {err.strerror}; name a TOML file or one of "
            f"{', '.join(recipe_names())}"
        ) from err
    except ValueError as err:  # a name with a zero byte
        raise ConfigError(f"cannot read recipe {name_or_path!r}: {err}") from err
    base = data.pop("recipe", None)
    tables: dict[str, dict[str, Any]] = {}
    if base is not None:
        if depth > 8 or not isinstance(base, str):
            raise ConfigError(f"recipe {path} builds on {base!r}; it must name another recipe")
        tables = _read(base, depth + 1)
    for name, table in data.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"recipe {path} has {name!r} outside a table; it belongs under [data], [fit], ..."
            )
        tables[name] = {**tables.get(name, {}), **table}
    return tables


def _apply(tables: dict[str, dict[str, Any]], change: str) -> None:
    key, found, text = change.partition("=")
    table, dot, name = key.partition(".")
    if not found or not dot:
        raise ConfigError(f"change {change!r} must be TABLE.KEY=VALUE, such as fit.steps=100")
    try:
        value = parse_toml(f"value = {text}", Path("change"))["value"]
    except ConfigError as err:
        if isinstance(err.__cause__, RecursionError):
            raise ConfigError(f"change {change[:40]!r}... is nested too deeply") from err
        value = text  # text without quotes
    tables[table] = {**tables.get(table, {}), name: value}
