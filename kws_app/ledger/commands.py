"""python -m kws_app ledger: list, label, review, export and purge what --ledger kept."""

from __future__ import annotations

import argparse
import json
import math
import os
from pathlib import Path

from engine.errors import ConfigError
from kws_app.arguments import Parser
from kws_app.ledger.entries import KINDS, Entry, to_record
from kws_app.ledger.export import export
from kws_app.ledger.retention import Limits
from kws_app.ledger.review import review
from kws_app.ledger.store import Ledger
from kws_app.settings import MAX_DAYS, read_command
from kws_app.streams import emit, say
from kws_app.values import to_toml_value

_LABELS = "right; wrong; the keyword that it is; or =WORD for any word"


def run(arguments: list[str]) -> None:
    """Run one command.

    Args:
        arguments: What follows `ledger`.

    Raises:
        KwsError: Anything that went wrong, by kind.
        BrokenPipeError: Nobody reads stdout any more.
        SystemExit: --help (status 0).
    """
    options = _parser().parse_args(arguments)
    ledger = Ledger(options.folder)
    options.run(ledger, options)
    if ledger.damage is not None:
        say(ledger.damage)


def describe(entry: Entry) -> str:
    """One line for people."""
    score = f"{entry.score:.2f} of {entry.threshold:.2f}"
    parts = (
        f"{entry.id:<6}{entry.utc:%Y-%m-%d %H:%M:%S}Z {entry.time_s:9.2f} s  {entry.keyword:<12} "
        f"{entry.kind:<10} {score:<13} {entry.reason or '':<24} {entry.label or ''}"
    )
    return parts.rstrip()


def _list(ledger: Ledger, options: argparse.Namespace) -> None:
    entries = ledger.entries()
    if not entries and not options.json:
        say(f"{ledger.folder} holds no entry")
    for entry in entries:
        if (
            (options.unlabelled and entry.label is not None)
            or options.keyword not in (None, entry.keyword)
            or options.kind not in (None, entry.kind)
        ):
            continue
        if options.json:
            emit(json.dumps({"v": 1, "event": "entry", **to_record(entry)}))
        else:
            emit(describe(entry))


def _label(ledger: Ledger, options: argparse.Namespace) -> None:
    for entry in ledger.label(options.ids, options.label):
        emit(describe(entry))


def _review(ledger: Ledger, _: argparse.Namespace) -> None:
    review(ledger, describe)


def _export(ledger: Ledger, options: argparse.Namespace) -> None:
    done = export(ledger, options.out)
    for problem in done.problems:
        say(problem)
    say(
        f"{done.new} new, {done.moved} moved to another label, {done.same} were there, "
        f"{done.unlabelled} unlabelled ones left out"
    )
    if not done.new + done.moved + done.same:
        return
    say("the line for a recipe, under [data]:")
    emit(f"corrections = {to_toml_value(options.out)}")


def _purge(ledger: Ledger, options: argparse.Namespace) -> None:
    limits: Limits | None = None
    if options.older_than is not None:
        if not 0 <= options.older_than <= MAX_DAYS:
            raise ConfigError(
                f"--older-than is {options.older_than}; it must be 0 to {MAX_DAYS} days"
            )
        limits = Limits(days=options.older_than, megabytes=math.inf)
    elif not options.all:
        settings = read_command([], os.environ).settings
        limits = Limits(days=settings.ledger_days, megabytes=settings.ledger_mb)
    removed = ledger.purge(limits)
    emit(f"removed {removed} entries, {len(ledger.entries())} are left")


def _parser() -> Parser:
    parser = Parser(
        prog="python -m kws_app ledger",
        description="Looks at, labels and exports the audio that --ledger kept.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        command.add_argument("folder", type=Path, metavar="DIR", help="the ledger")
        return command

    command = add("list", "print the entries in the order in which they were kept")
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.add_argument("--unlabelled", action="store_true", help="only those without a label")
    command.add_argument("--keyword", metavar="WORD", help="only those of this keyword")
    command.add_argument("--kind", choices=KINDS, help="only these")
    command.set_defaults(run=_list)

    command = add("label", "say what entries are")
    command.add_argument("ids", nargs="+", metavar="ID", help="ids, or their beginnings")
    command.add_argument("label", metavar="LABEL", help=_LABELS)
    command.set_defaults(run=_label)

    command = add("review", "play the unlabelled entries and ask what they are")
    command.set_defaults(run=_review)

    command = add("export", "write the labelled clips as a folder to train on")
    command.add_argument("out", type=Path, metavar="OUT", help="the folder; may exist")
    command.set_defaults(run=_export)

    command = add("purge", "remove what is beyond the limits of the settings, or more")
    group = command.add_mutually_exclusive_group()
    group.add_argument("--all", action="store_true", help="remove everything")
    group.add_argument(
        "--older-than", type=float, metavar="DAYS", help="remove everything that is older"
    )
    command.set_defaults(run=_purge)
    return parser
