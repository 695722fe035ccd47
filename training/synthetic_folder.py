"""The folder that synthetic voices fill: what it was made with, and who said what in it.

`synthesize.json` holds the settings that decide which speaker stands in which split; only the same
settings go on in a folder, so that nobody ever stands in two. `clips.csv` names every clip and is
written before the clip is, so that no clip is there whose split nobody knows.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from engine.files import create_plain_file

COLUMNS = ("path", "label", "text", "split", "program", "voice", "speed", "pitch")
SETTINGS_FILE = "synthesize.json"
_TABLE_FILE = "clips.csv"
_CLIP = re.compile(r"(?!\.)[^/\0]+/(?!\.)[^/\0]+\.flac")  # <word>/<name>.flac


class SyntheticFolder:
    """A folder that `synthesize` makes or goes on with.

    Args:
        folder: New, empty, or made by `synthesize`.
        settings: Plain values; the same as before.

    Attributes:
        rows: Path to row of the table.

    Raises:
        ConfigError: The folder holds other things, or was made with other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.rows: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()
        if folder.is_dir() and any(folder.iterdir()):
            self._check(settings)
            self._read()
        else:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / SETTINGS_FILE, json.dumps(dict(settings), indent=1) + "\n")
        self._write_table()

    def add(self, row: dict[str, str]) -> None:
        """Name a clip that is about to be written."""
        with self._lock:
            known = self.rows.get(row["path"])
            self.rows[row["path"]] = row
            if known != row:
                with (self.folder / _TABLE_FILE).open("a", newline="") as file:
                    csv.DictWriter(file, COLUMNS).writerow(row)

    def forget(self, unwanted: Callable[[Mapping[str, str]], bool]) -> None:
        """Remove the clips of some rows."""
        for row in [row for row in self.rows.values() if unwanted(row)]:
            (self.folder / row["path"]).unlink(missing_ok=True)
            del self.rows[row["path"]]
        self._write_table()

    def has(self, row: Mapping[str, str]) -> bool:
        """Whether a clip is there and says what it should."""
        known = self.rows.get(row["path"])
        return (self.folder / row["path"]).exists() and known == row

    def finish(self) -> None:
        """Write the whole table, and the validation list."""
        self.rows = {path: row for path, row in self.rows.items() if (self.folder / path).exists()}
        self._write_table()
        listed = [path for path, row in self.rows.items() if row["split"] == "validation"]
        text = "".join(f"{path}\n" for path in listed)
        _replace(self.folder / "validation_list.txt", text)

    def _check(self, settings: Mapping[str, Any]) -> None:
        try:
            before = json.loads((self.folder / SETTINGS_FILE).read_text())
            changed = [name for name, value in settings.items() if before[name] != value]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as err:
            raise ConfigError(
                f"{self.folder} holds other things than synthetic clips; name a new folder"
            ) from err
        if changed:
            name = changed[0]
            raise ConfigError(
                f"{self.folder} was made with {name} {before[name]!r}, not {settings[name]!r}; "
                "clips of both would mix the splits: name a new folder"
            )

    def _read(self) -> None:
        path = self.folder / _TABLE_FILE
        if not path.exists():
            return
        with path.open(newline="", errors="replace") as file:
            for row in csv.DictReader(file):
                if set(row) == set(COLUMNS) and all(row.values()):
                    self._require_own(row["path"])
                    self.rows[row["path"]] = row

    def _require_own(self, path: str) -> None:
        """Clips are removed by these paths: none may lead out of the folder."""
        if not _CLIP.fullmatch(path):
            raise ConfigError(
                f"{self.folder / _TABLE_FILE} names {path[:80]!r}, which is no clip of the folder; "
                "name a new folder"
            )

    def _write_table(self) -> None:
        aside = self.folder / f"{_TABLE_FILE}.partial"
        with io.TextIOWrapper(create_plain_file(aside), newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows.values())
        aside.replace(self.folder / _TABLE_FILE)


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(path.name + ".partial")
    with create_plain_file(aside) as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
