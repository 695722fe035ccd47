"""Asks for files, and writes the history to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from kws_app.gui.history import HeardRow, to_csv, to_json_lines
from kws_app.ledger.log import write_aside

# Suffix by what the dialog offers.
_KINDS = {"FLAC (*.flac)": ".flac", "WAV (*.wav)": ".wav"}
_TABLES = {"CSV (*.csv)": ".csv", "JSON lines (*.jsonl)": ".jsonl"}
_RECORDINGS = "Sound files (*.wav *.flac *.ogg *.opus *.mp3 *.aiff *.aif);;All files (*)"

# Where each dialog, by its title, was used last while the program runs.
_folders: dict[str, Path] = {}


def ask_recording_to_open(parent: QWidget) -> Path | None:
    """A sound file to listen to; None if nobody wants one."""
    title = "Open a recording"
    name, _ = QFileDialog.getOpenFileName(parent, title, _start(title), _RECORDINGS)
    return _chosen(title, name)


def ask_recording_to_write(parent: QWidget) -> Path | None:
    """Where to record what the model hears."""
    return _save(parent, "Record what the model hears", "heard.flac", _KINDS)


def ask_table_to_write(parent: QWidget) -> Path | None:
    """Where to export the history."""
    return _save(parent, "Export the history", "heard.csv", _TABLES)


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """A folder."""
    return _chosen(title, QFileDialog.getExistingDirectory(parent, title, _start(title)))


def write_history(path: Path, rows: Sequence[HeardRow]) -> str:
    """Write rows as CSV, or as JSON lines by the file's suffix.

    Returns:
        A line for people: what was written, or why it could not be.
    """
    text = to_json_lines(rows) if path.suffix.lower() in (".jsonl", ".json") else to_csv(rows)
    try:
        # A file's name may hold what is no text; nothing is lost where the disk is full.
        write_aside(path, text.encode("utf-8", "backslashreplace"))
    except OSError as err:
        return f"cannot write {path}: {err.strerror}"
    return f"{len(rows)} detections written to {path}"


def _save(parent: QWidget, title: str, name: str, kinds: Mapping[str, str]) -> Path | None:
    """A file to write; a name without a suffix gets that of the kind that was chosen."""
    given, kind = QFileDialog.getSaveFileName(parent, title, _start(title, name), ";;".join(kinds))
    path = _chosen(title, given)
    if path is None or path.suffix:
        return path
    path = path.with_name(path.name + kinds.get(kind, next(iter(kinds.values()))))
    # The dialog has asked for the name without it.
    return path if not path.exists() or _may_replace(parent, title, path) else None


def _may_replace(parent: QWidget, title: str, path: Path) -> bool:
    answer = QMessageBox.question(parent, title, f"{path.name} exists already. Replace it?")
    return bool(answer == QMessageBox.StandardButton.Yes)


def _start(title: str, name: str = "") -> str:
    """What a dialog opens with."""
    folder = _folders.get(title)
    return name if folder is None else str(folder / name)


def _chosen(title: str, name: str) -> Path | None:
    if not name:
        return None
    path = Path(name)
    _folders[title] = path if path.is_dir() else path.parent
    return path
