"""Compares statements of any card, written into a file, with records, written into another or ours.

Both are TOML or JSON; docs/training.md has the form.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.toml_text import require_short_keys
from training.card.statement import (
    Number,
    Statement,
    is_usable,
    one_line,
    parse_number,
    rounds_to,
)
from training.card.verdict import Verdict

SUFFIXES = (".toml", ".json")
_RELATIONS = ("is", "at most", "at least")
_CLAIM_KEYS = {"says": str, "about": str, "relation": str}


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement of a card.

    Attributes:
        says: The card's own words.
        about: Name of the record that decides.
        value: What the card states: true or false, a number, text, or a list of them. Numbers
            keep their digits, "98.1 %" is a percentage.
        relation: "is", "at most" or "at least".
    """

    says: str
    about: str
    value: Any
    relation: str = "is"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Records from one place.

    Attributes:
        name: For messages: "log", "script".
        values: Name to value.
    """

    name: str
    values: Mapping[str, Any]


def read_claims(path: Path) -> list[Claim]:
    """Read a file of statements.

    Raises:
        ConfigError: It cannot be read, or a statement has no `says`, `about` or `value`.
    """
    data = _read(path)
    entries = data.get("statement")
    if set(data) != {"statement"} or not isinstance(entries, list) or not entries:
        raise ConfigError(f"{path} must hold a list of [[statement]] and nothing else")
    return [_claim(entry, f"{path}: statement {number}") for number, entry in enumerate(entries, 1)]


def read_sources(path: Path) -> list[Source]:
    """Read a file of records: a table for each source, the most reliable first.

    Raises:
        ConfigError: It cannot be read, or holds values outside of a table.
    """
    data = _read(path)
    for name, table in data.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"{path} has {name!r} outside a table; records belong under [log], [script], ..."
            )
    return [Source(name=name, values=_flat(table)) for name, table in data.items()]


def source_of(expected: Mapping[str, Statement], name: str = "records") -> Source:
    """Our own records, by the keys of our statements; with several values KEY.SLOT."""
    values: dict[str, Any] = {}
    for key, statement in expected.items():
        if statement.known:
            for slot_name, slot in statement.values.items():
                place = key if slot_name == "value" else f"{key}.{slot_name}"
                values[place] = slot
    return Source(name=name, values=values)


def check_claims(claims: Sequence[Claim], sources: Sequence[Source]) -> Verdict:
    """Compare statements with records.

    Args:
        claims: Of the card.
        sources: The first one that has a record decides.
    """
    verdict = Verdict()
    names = {name for source in sources for name in source.values}
    for claim in claims:
        found = [source for source in sources if claim.about in source.values]
        if not found:
            near = difflib.get_close_matches(claim.about, names, 1, 0.8)
            hint = f"; there is one of {near[0]!r}" if near else ""
            verdict.unchecked.append((f"no record of {claim.about!r}{hint}", claim.says))
            continue
        told = [f"{source.name}: {_shown(source.values[claim.about])}" for source in found]
        agreeing = [_agrees(claim, source.values[claim.about]) for source in found]
        if not agreeing[0]:
            verdict.false.append(
                f"{claim.says}: the card says {_stated(claim)}; {claim.about}, {'; '.join(told)}"
            )
            continue
        verdict.held += 1
        if not all(agreeing):
            verdict.notes.append(f"{claim.says}: sources differ; {claim.about}, {'; '.join(told)}")
    return verdict


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        is_json = path.suffix.lower() == ".json"
        if not is_json:
            require_short_keys(text, path)
        loads = json.loads if is_json else tomllib.loads
        data = loads(text, parse_float=Decimal)  # digits as they were written
    except OSError as err:
        raise ConfigError(f"cannot read {path}: {err.strerror}; name a TOML or JSON file") from err
    except (ValueError, RecursionError, ArithmeticError) as err:
        kind = "JSON" if path.suffix.lower() == ".json" else "TOML"
        raise ConfigError(f"{path} is not {kind}: {err}; mend it") from err
    if not isinstance(data, dict):
        raise ConfigError(f"{path} holds a {type(data).__name__}; it must hold tables")
    return data


def _claim(entry: Any, where: str) -> Claim:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} is {entry!r}; it must be a table")
    unknown = set(entry) - {*_CLAIM_KEYS, "value"}
    if unknown:
        raise ConfigError(
            f"{where} has an unknown key {min(unknown)!r}; it may have says, about, value, relation"
        )
    texts = {"relation": "is", **{name: entry[name] for name in _CLAIM_KEYS if name in entry}}
    for name in _CLAIM_KEYS:
        if not isinstance(texts.get(name), str) or not texts[name]:
            raise ConfigError(f"{where}: {name} is {texts.get(name)!r}; it must be text")
    if "value" not in entry:
        raise ConfigError(f"{where} has no value; it must be what the card states")
    claim = Claim(value=entry["value"], **texts)
    if claim.relation not in _RELATIONS:
        raise ConfigError(
            f"{where}: relation is {claim.relation!r}; it must be one of {', '.join(_RELATIONS)}"
        )
    if claim.relation != "is" and _number(claim.value) is None:
        raise ConfigError(f"{where}: {claim.relation!r} takes a number, not {claim.value!r}")
    return claim


def _flat(table: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as dotted names."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = value
    return flat


def _agrees(claim: Claim, record: Any) -> bool:
    stated = claim.value
    if isinstance(stated, list):
        records = record if isinstance(record, list) else _listed(record)
        return len(records) == len(stated) and all(map(_equal, stated, records))
    if claim.relation == "is":
        return _equal(stated, record)
    limit, true = _number(stated), _number(record)
    if limit is None or true is None:
        return False
    bound = limit[0] / 100 if limit[1] else limit[0]
    real = true[0] / 100 if true[1] else true[0]
    return real <= bound if claim.relation == "at most" else real >= bound


def _listed(record: Any) -> list[Any]:
    """A list that one of our statements holds as text."""
    return record.split(", ") if isinstance(record, str) else [record]


def _equal(stated: Any, record: Any) -> bool:
    if isinstance(stated, bool) or isinstance(record, bool):
        return str(stated).casefold() == str(record).casefold()
    number, true = _number(stated), _number(record)
    if number is None or true is None:
        return one_line(str(stated)).casefold() == one_line(str(record)).casefold()
    share = true[0] / 100 if true[1] else true[0]
    # A card may cut where it should round: 98.1281 % is 98.12 % to many people.
    return rounds_to(share * 100 if number[1] else share, number[0], or_is_cut_to=True)


def _number(value: Any) -> tuple[Decimal, bool] | None:
    """Digits, and whether they are a percentage."""
    if isinstance(value, bool):
        return None
    if isinstance(value, Number):
        return Decimal(repr(value.value)), False
    if isinstance(value, Decimal | int | float):
        number = Decimal(str(value))
        return (number, False) if is_usable(number) else None
    return parse_number(value) if isinstance(value, str) else None


def _stated(claim: Claim) -> str:
    before = "" if claim.relation == "is" else f"{claim.relation} "
    return f"{before}{_shown(claim.value)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_shown(part) for part in value)
    return value.text if isinstance(value, Number) else str(value)
