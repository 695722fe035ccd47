"""Labelled clips of a plain folder or of a data list, for measuring."""

from __future__ import annotations

from pathlib import Path

from engine.errors import ConfigError
from training.data.clip_source import ClipItem, file_item, leave_out_unreadable
from training.data.folder import list_folder
from training.data.json_list import read_json_list
from training.data.label_csv import read_label_csv


def labelled_clips(
    folder: Path | None,
    json_list: Path | None,
    labels: Path | None,
    split: str,
    *,
    other_words: bool = False,
) -> tuple[list[ClipItem], list[str], list[str]]:
    """Clips, the names of their labels, and a line for each clip that is left out.

    Args:
        folder: Plain folder of words.
        json_list: AST's list, in place of a folder.
        labels: Label table of the list.
        split: "train", "validation" or "test" of the folder.
        other_words: Whether a folder's `_unknown_` is a label too.

    Raises:
        ConfigError: There is no such data, or nothing in the split.
    """
    if json_list is not None:
        if labels is None:
            raise ConfigError("--list needs --labels, a CSV of index,mid,display_name")
        table = read_label_csv(labels)
        items, problems = read_json_list(json_list, table)
        return items, list(table.names), problems
    if folder is None:
        raise ConfigError("no data is named; give --data or --list")
    kinds = ("word", "other_word") if other_words else ("word",)
    entries = [entry for entry in list_folder(folder) if entry.kind in kinds]
    names = sorted({entry.label for entry in entries})
    pairs = [
        (folder / entry.path, file_item(folder / entry.path, (names.index(entry.label),)))
        for entry in entries
        if entry.split == split
    ]
    items, problems = leave_out_unreadable(pairs)
    if not items:
        raise ConfigError(f"{folder} has no {split} clip of a word that can be read")
    return items, names, problems
