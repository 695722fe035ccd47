"""Reads AST's data lists: `{"data": [{"wav": path, "labels": "/m/a,/m/b"}, ...]}`."""

from __future__ import annotations

import json
from pathlib import Path

from engine.errors import ConfigError
from training.data.clip_source import ClipItem, file_item, leave_out_unreadable
from training.data.clips import require_text
from training.data.label_csv import LabelTable


def read_json_list(path: Path, table: LabelTable) -> tuple[list[ClipItem], list[str]]:
    """Read a data list.

    Args:
        path: The list; relative paths in it start at its folder.
        table: Labels; those of every clip must be among them.

    Returns:
        The clips, and a line for each that cannot be read and is left out.

    Raises:
        ConfigError: The list is malformed, disagrees with the labels, or no clip can be read.
    """
    entries = []
    known = {mid: i for i, mid in enumerate(table.mids)}
    for number, entry in enumerate(_entries(path)):
        wav, labels = entry.get("wav"), entry.get("labels")
        if not isinstance(wav, str) or not isinstance(labels, str) or not wav or not labels:
            raise ConfigError(f'{path}: entry {number} must have "wav" and "labels"; it is {entry}')
        mids = [mid.strip() for mid in labels.split(",")]
        unknown = [mid for mid in mids if mid not in known]
        if unknown:
            raise ConfigError(
                f"{path}: {wav} has label {unknown[0]!r}, which the label table does not have; "
                "take the table that belongs to the list"
            )
        audio = path.parent / wav
        require_text(audio)
        entries.append((audio, file_item(audio, tuple(sorted({known[mid] for mid in mids})))))
    items, problems = leave_out_unreadable(entries)
    if not items:
        raise ConfigError(f"no clip of {path} can be read: {(problems or ['it lists none'])[0]}")
    return items, problems


def _entries(path: Path) -> list[dict[str, object]]:
    try:
        data = json.loads(path.read_bytes())
    except OSError as err:
        raise ConfigError(f"cannot read data list {path}: {err.strerror}") from err
    except (ValueError, RecursionError) as err:
        raise ConfigError(f"data list {path} is not JSON: {err}") from err
    entries = data.get("data") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError(f'data list {path} must be {{"data": [{{"wav": ..., "labels": ...}}]}}')
    return entries
