"""Checks a card: of this program as people see it, any other by a file of its statements."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ConfigError
from training.card.build import card_sections
from training.card.document import all_statements
from training.card.foreign_check import (
    SUFFIXES,
    check_claims,
    read_claims,
    read_sources,
    source_of,
)
from training.card.own_check import check_own
from training.card.records import Records, with_measurements
from training.card.statement import Statement
from training.card.verdict import Verdict


def check(
    card: Path,
    records: Records,
    other_records: Path | None = None,
    *,
    data: Path | None = None,
    split: str = "validation",
) -> Verdict:
    """Compare a card's statements with the records.

    Args:
        card: `card.md` or `card.html` of this program, or a TOML or JSON file of statements.
        records: What was named; without any of them nothing can be decided.
        other_records: File of records of a training that this program knows nothing of.
        data: Recordings to measure the posteriors on again.
        split: Which clips of them.

    Raises:
        ConfigError: A file is something else.
    """
    if not is_records_file(card):
        if other_records is not None:
            raise ConfigError(
                f"{other_records} is a file of records; a card of this program is checked with the "
                "run's folder"
            )
        return check_own(card, _expected(records, data, split))
    claims = read_claims(card)
    sources = read_sources(other_records) if other_records else []
    return check_claims(claims, [*sources, source_of(_expected(records, data, split))])


def is_records_file(path: Path) -> bool:
    """Whether a name is that of a file of statements or records."""
    return path.suffix.lower() in SUFFIXES


def _expected(records: Records, data: Path | None, split: str) -> dict[str, Statement]:
    """What our records say now. Times are not taken again: they would differ."""
    measured = with_measurements(records, data=data, split=split, timed=False)
    return all_statements(card_sections(measured))
