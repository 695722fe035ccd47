"""python -m kws_app desktop: puts the program into the desktop's menu, or takes it out again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import KwsError
from kws_app.arguments import Parser
from kws_app.resources import asset
from kws_app.streams import emit

# Where desktops look, below XDG_DATA_HOME: https://specifications.freedesktop.org
_ENTRY = Path("applications") / "kws.desktop"
_ICON = Path("icons") / "hicolor" / "scalable" / "apps" / "kws.svg"


def run(arguments: Sequence[str]) -> None:
    """Install or remove the entry and the icon of this person.

    Raises:
        ConfigError: An argument is wrong.
        KwsError: A file cannot be written or removed.
    """
    parser = Parser(prog="python -m kws_app desktop", description=__doc__, allow_abbrev=False)
    parser.add_argument("--remove", action="store_true", help="take it out again")
    remove = parser.parse_args(arguments).remove
    folder = data_folder(os.environ)
    for name, text in ((_ENTRY, entry(program())), (_ICON, _text("icons/kws.svg"))):
        path = folder / name
        try:
            if remove and not path.exists():
                emit(f"not there: {path}")
                continue
            if remove:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        except OSError as err:
            raise KwsError(f"cannot change {path}: {err.strerror}") from err
        emit(f"{'removed' if remove else 'written'}: {path}")


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where a person's desktop entries and icons are."""
    named = environment.get("XDG_DATA_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "share"


def program() -> list[str]:
    """The command that starts this very installation from anywhere."""
    script = Path(sys.executable).with_name("kws")
    return [str(script)] if script.exists() else [sys.executable, "-m", "kws_app"]


def entry(command: Sequence[str]) -> str:
    """The desktop entry, with a command in the place of the plain name.

    Args:
        command: Program and arguments.
    """
    quoted = " ".join(_quoted(part) for part in command)
    return _text("kws.desktop").replace("\nExec=kws\n", f"\nExec={quoted}\n")


def _quoted(part: str) -> str:
    # Two layers of the specification: quoting of an argument, then escapes of any string.
    for character in '\\"`$':
        part = part.replace(character, f"\\{character}")
    return '"' + part.replace("\\", "\\\\").replace("%", "%%") + '"'


def _text(name: str) -> str:
    try:
        return asset(name).read_text(encoding="utf-8")
    except OSError as err:
        raise KwsError(f"cannot read {asset(name)}: {err.strerror}; install kws again") from err
