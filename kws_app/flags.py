"""The flags of the command line, made from the settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field
from typing import Any

from kws_app import __version__
from kws_app.arguments import Parser

COMMANDS = {
    "desktop": "put it into the desktop's menu",
    "doctor": "can this machine listen, and if not, why",
    "ledger": "look at, label and export what --ledger kept",
    "plan": "plans for a GPU",
}


def make_parser(settings: Iterable[Field[Any]], actions: Mapping[str, str]) -> Parser:
    """The parser of everything but the commands with a name of their own.

    Args:
        settings: Each becomes a flag; the metadata says how.
        actions: What can be done, with help.
    """
    commands = ", ".join(f"{name} ({text})" for name, text in COMMANDS.items())
    parser = Parser(
        prog="python -m kws_app",
        description="Hears keywords in a microphone, a sound file or a pipe.",
        epilog="Exit status: 0 done or interrupted, 1 failed while running, 2 wrong arguments, "
        "3 no usable audio device, 4 model refused. Commands of their own, each with --help: "
        f"{commands}.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"kws {__version__}")
    what = parser.add_argument_group("what to do")
    for name, text in actions.items():
        what.add_argument(f"--{name}", action="store_true", dest=name, help=text)
    what.add_argument("--config", metavar="FILE", help="TOML file with any of the settings below")
    groups: dict[str, Any] = {}
    for item in settings:
        title = item.metadata["group"]
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        _add_setting(groups[title], item)
    return parser


def _add_setting(group: Any, item: Field[Any]) -> None:
    flags = [f"--{item.name.replace('_', '-')}"]
    if item.name in ("verbose", "quiet"):
        flags.insert(0, f"-{item.name[0]}")
    options: dict[str, Any] = {
        "dest": item.name,
        "default": None,
        "help": item.metadata["help"],
    }
    if item.name == "verbose":
        options["action"] = "count"
    elif item.type == "bool":
        options["action"] = "store_true"
    else:
        options["metavar"] = item.metadata["metavar"]
    if item.name == "threshold":
        options["action"] = "append"
    group.add_argument(*flags, **options)
