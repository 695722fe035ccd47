"""What the parsers of the command line share."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from engine.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """Reports mistakes as ConfigError, in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise ConfigError."""
        raise ConfigError(f"{message}; --help lists the flags")


def require_folder(flag: str, folder: Path) -> None:
    """Refuse a folder to write to that is not there, or that nobody can look at.

    Raises:
        ConfigError: It is none.
    """
    try:
        if folder.is_dir():
            return
    except OSError as err:  # a name that is too long, a folder above that is closed to us
        raise ConfigError(f"{flag}: cannot look at folder {folder}: {err.strerror}") from err
    raise ConfigError(f"{flag}: folder {folder} does not exist")


def hint(name: str, known: Iterable[str]) -> str:
    """A suggestion in brackets for a name that is not known, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.65)
    return f" (did you mean {close[0]!r}?)" if close else ""
