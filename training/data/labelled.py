"""Labelled clips of a data folder of either kind or of a data list, for measuring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.errors import ConfigError
from training.data.clip_source import ClipItem, file_item, leave_out_unreadable
from training.data.corpus import corpus_rows, is_corpus
from training.data.folder import list_folder
from training.data.json_list import read_json_list
from training.data.label_csv import read_label_csv
from training.data.scenes import UNKNOWN


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
        folder: Plain folder of words, or one with the two tables.
        json_list: AST's list, in place of a folder.
        labels: Label table of the list.
        split: "train", "validation" or "test" of the folder.
        other_words: Whether a folder's `_unknown_` is a label too.

    Raises:
        ConfigError: There is no such data, or nothing in the split.
        SourceError: A table cannot be read.
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
    rows = [(path, label, part) for path, label, part, kind in _rows(folder) if kind in kinds]
    names = sorted({label for _, label, _ in rows})
    pairs = [
        (folder / path, file_item(folder / path, (names.index(label),)))
        for path, label, part in rows
        if part == split
    ]
    items, problems = leave_out_unreadable(pairs)
    if not items:
        raise ConfigError(f"{folder} has no {split} clip of a word that can be read")
    return items, names, problems


def _rows(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Path, label, split and kind of every clip."""
    if not is_corpus(folder):
        for entry in list_folder(folder):
            yield entry.path, entry.label, entry.split, entry.kind
        return
    for row in corpus_rows(folder):
        label = UNKNOWN if row["kind"] == "other_word" else row["word"]
        yield row["path"], label, row["split"], row["kind"]
