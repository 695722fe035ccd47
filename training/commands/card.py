"""Make a model card, or check one against the records."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from training.commands.flags import add_split

if TYPE_CHECKING:
    from training.card.records import Records


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--model", type=Path, help="model folder")
    parser.add_argument("--figures", type=Path, help="folder that evaluate --out has written")
    parser.add_argument(
        "--run", type=Path, help="folder of the run that the model comes from, or file of records"
    )
    parser.add_argument("--owner", type=Path, help="TOML file of what only the owner can say")
    parser.add_argument("--data", type=Path, help="recordings, to measure the posteriors on")
    add_split(parser)
    parser.add_argument("--watts", type=float, help="of the machine that trained, at work")
    parser.add_argument("--kg-per-kwh", type=float, help="carbon dioxide of its grid")
    parser.add_argument("--out", type=Path, help="folder for the card; else the model folder")
    parser.add_argument(
        "--check", type=Path, metavar="CARD", help="compare a card with the records instead"
    )


def run(options: argparse.Namespace) -> int:
    """Make or check; returns the exit status."""
    return _check(options) if options.check else _make(options)


def _make(options: argparse.Namespace) -> int:
    from engine.errors import ConfigError
    from training.card.build import write_card
    from training.card.records import with_measurements

    if options.model is None:
        raise ConfigError("a card needs a model; name it with --model")
    records = _records(options, options.run)
    records = with_measurements(records, data=options.data, split=options.split)
    for path in write_card(records, options.out or options.model):
        print(f"wrote {path}")
    return 0


def _check(options: argparse.Namespace) -> int:
    from training.card.check import check, is_records_file

    others = options.run if options.run and is_records_file(options.run) else None
    records = _records(options, None if others else options.run)
    verdict = check(options.check, records, others, data=options.data, split=options.split)
    for line in verdict.lines(options.check.name):
        print(line)
    return 1 if verdict.false else 0


def _records(options: argparse.Namespace, run: Path | None) -> Records:
    """What the flags name; power and grid factor of the flags before those of the owner's file."""
    from training.card.owner import Owner
    from training.card.records import read_records

    records = read_records(options.model, options.figures, run, options.owner)
    given = {"watts": options.watts, "kg_per_kwh": options.kg_per_kwh}
    changed = {name: value for name, value in given.items() if value is not None}
    if not changed:
        return records
    return replace(records, owner=replace(records.owner or Owner(), **changed))
