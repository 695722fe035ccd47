"""What only a model's owner can say, from a TOML file: licence, contact, purpose, power."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from engine.errors import ConfigError
from engine.toml_text import parse_toml, read_toml_text
from training.tables import from_table


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Statements of the owner; "" or None where nothing is said.

    Attributes:
        licence: Of the model.
        owner: Who answers for it.
        contact: Where to ask.
        funding: Who paid.
        demo: Where it can be tried.
        data_licence: Of recordings whose source carries none.
        privacy: Whose voices were trained on, and what they agreed to.
        intended_use: What it is made for.
        out_of_scope: What it must not be used for.
        cloud: Provider and region that it was trained in, or that it was none.
        watts: Power of the training machine at work, all of it.
        kg_per_kwh: Carbon dioxide of the grid, kilograms for each kilowatt-hour.
    """

    licence: str = ""
    owner: str = ""
    contact: str = ""
    funding: str = ""
    demo: str = ""
    data_licence: str = ""
    privacy: str = ""
    intended_use: str = ""
    out_of_scope: str = ""
    cloud: str = ""
    watts: float | None = None
    kg_per_kwh: float | None = None

    def __post_init__(self) -> None:
        """Refuse power and grid factors that no machine and no grid has."""
        for name, most in (("watts", 1e6), ("kg_per_kwh", 10.0)):
            value = getattr(self, name)
            if value is not None and not 0 < value <= most:
                raise ConfigError(f"{name} is {value:g}; it must be above 0 and at most {most:g}")


def read_owner(path: Path) -> Owner:
    """Read an owner's file.

    Raises:
        ConfigError: It cannot be read, is no TOML, or has an unknown key.
    """
    try:
        table = parse_toml(read_toml_text(path), path)
    except OSError as err:
        keys = ", ".join(field.name for field in fields(Owner))
        raise ConfigError(
            f"cannot read the owner's file {path}: {err.strerror}; it is TOML with any of {keys}"
        ) from err
    return from_table(Owner, table, str(path))
