"""Where the window keeps its settings, its log and its socket, for this person alone."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import platformdirs

from engine.errors import KwsError

_NAME = "kws"


def settings_file() -> Path:
    """The TOML file of the window's settings."""
    return platformdirs.user_config_path(_NAME, appauthor=False) / "settings.toml"


def log_file() -> Path:
    """The log of what went wrong."""
    return platformdirs.user_log_path(_NAME, appauthor=False) / "kws.log"


def heard_folder() -> Path:
    """Where a ledger is kept if nobody says otherwise."""
    return platformdirs.user_data_path(_NAME, appauthor=False) / "heard"


def runtime_folder() -> Path:
    """Where the lock and the socket are; gone after a restart of the machine.

    Raises:
        KwsError: Somebody else has taken its place.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR it is a folder below /tmp
            return platformdirs.user_runtime_path(_NAME, appauthor=False)
    except OSError as err:
        raise KwsError(f"no folder for the lock: {err}; set XDG_RUNTIME_DIR") from err


def make_private(folder: Path) -> None:
    """Make sure that a folder is there, is ours, and is closed to others.

    Raises:
        KwsError: It cannot be made, or somebody else made it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
        if status.st_uid != os.getuid():
            raise KwsError(f"{folder} belongs to another user; remove it or set XDG_RUNTIME_DIR")
        if status.st_mode & 0o077:
            folder.chmod(0o700)
    except OSError as err:
        raise KwsError(f"cannot use {folder}: {err.strerror}; it must be writable") from err
