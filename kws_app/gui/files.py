"""Asks for files, and writes the history to one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from kws_app.gui.history import HeardRow, to_csv, to_json_lines
from kws_app.ledger.log import write_aside

_KINDS = "FLAC, WAV (*.flac *.wav)"
_TABLES = "CSV (*.csv);;JSON lines (*.jsonl)"
_RECORDINGS = "Sound files (*.wav *.flac *.ogg *.opus *.mp3 *.aiff *.aif);;All files (*)"


def ask_recording_to_open(parent: QWidget) -> Path | None:
    """A sound file to listen to; None if nobody wants one."""
    return _path(QFileDialog.getOpenFileName(parent, "Open a recording", "", _RECORDINGS)[0])


def ask_recording_to_write(parent: QWidget) -> Path | None:
    """Where to record what the model hears."""
    return _save(parent, "Record what the model hears", "heard.flac", _KINDS)


def ask_table_to_write(parent: QWidget) -> Path | None:
    """Where to export the history."""
    return _save(parent, "Export the history", "heard.csv", _TABLES)


def ask_folder(parent: QWidget, title: str) -> Path | None:
    """A folder."""
    return _path(QFileDialog.getExistingDirectory(parent, title))


def write_history(path: Path, rows: Sequence[HeardRow]) -> str:
    """Write rows as CSV, or as JSON lines by the file's suffix.

    Returns:
        A line for people: what was written, or why it could not be.
    """
    text = to_json_lines(rows) if path.suffix in (".jsonl", ".json") else to_csv(rows)
    try:
        # A file's name may hold what is no text; nothing is lost where the disk is full.
        write_aside(path, text.encode("utf-8", "backslashreplace"))
    except OSError as err:
        return f"cannot write {path}: {err.strerror}"
    return f"{len(rows)} detections written to {path}"


def _save(parent: QWidget, title: str, name: str, kinds: str) -> Path | None:
    return _path(QFileDialog.getSaveFileName(parent, title, name, kinds)[0])


def _path(name: str) -> Path | None:
    return Path(name) if name else None
