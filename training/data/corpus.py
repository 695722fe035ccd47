"""Reads the recordings into memory, split by speaker.

The folder holds `speech_commands.csv` and `other_audio.csv` and the files that they name
(`docs/training.md` has the columns). Speakers never stand in two splits.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.errors import SourceError
from training.data.clips import Clip, read_samples

# Running speech, noises and other words have no official split. Half of the speakers of running
# speech are kept for validation, and these noises and this word:
_VALIDATION_NOISES = ("kitchen", "rain", "pink_noise", "forest_2")
_VALIDATION_OTHER_WORD = "jarvis"
_WORD_COLUMNS = frozenset({"path", "word", "speaker", "split", "suspect"})
_OTHER_COLUMNS = frozenset({"path", "kind", "speaker", "note", "source", "licence"})


def read_corpus(folder: Path, split: str, *, workers: int = 2) -> list[Clip]:
    """Read every clip of one split.

    Args:
        folder: The data folder.
        split: "train" or "validation".
        workers: Threads that decode.

    Returns:
        Clips in the order of the CSV files.

    Raises:
        SourceError: A CSV or a recording cannot be read.
    """
    rows = [row for row in corpus_rows(folder) if row["split"] == split]
    if not rows:
        raise SourceError(f"the tables of {folder} name no clip of the {split} split")
    with ThreadPoolExecutor(workers) as pool:
        audio = list(pool.map(lambda row: read_samples(folder / row["path"]), rows))
    return [
        Clip(
            path=row["path"],
            kind=row["kind"],
            word=row["word"],
            speaker=row["speaker"],
            split=row["split"],
            samples=samples,
        )
        for row, samples in zip(rows, audio, strict=True)
    ]


def corpus_rows(folder: Path) -> Iterator[dict[str, str]]:
    """What the tables say of every clip: path, kind, word, speaker, split."""
    for row in _csv(folder / "speech_commands.csv", _WORD_COLUMNS):
        if row["suspect"] != "1":
            yield {
                "path": row["path"],
                "kind": "word",
                "word": row["word"],
                "speaker": row["speaker"],
                "split": row["split"],
            }
    for row in _csv(folder / "other_audio.csv", _OTHER_COLUMNS):
        yield {
            "path": row["path"],
            "kind": row["kind"],
            "word": row["note"] if row["kind"] == "digit" else "",
            "speaker": row["speaker"],
            "split": _other_split(row),
        }


def is_corpus(folder: Path) -> bool:
    """Whether a folder has the two tables."""
    return (folder / "speech_commands.csv").is_file()


def corpus_sources(folder: Path) -> list[dict[str, str]]:
    """Where the recordings come from and under which licence, for a model's provenance."""
    found = {("Speech Commands", "CC BY 4.0")}
    rows = _csv(folder / "other_audio.csv", _OTHER_COLUMNS)
    found |= {(row["source"], row["licence"]) for row in rows}
    return [{"source": source, "licence": licence} for source, licence in sorted(found)]


def _csv(path: Path, columns: frozenset[str]) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            missing = sorted(columns - set(reader.fieldnames or ()))
            if missing:
                raise SourceError(f"{path} has no column {missing[0]!r}; docs/training.md has them")
            for row in reader:
                if any(row[name] is None for name in columns):
                    raise SourceError(f"{path} has a row that is too short; mend {row['path']!r}")
                yield row
    except OSError as err:
        raise SourceError(f"cannot read {path}: {err.strerror}; it must list the clips") from err
    except (UnicodeDecodeError, csv.Error) as err:
        raise SourceError(f"{path} is no table: {err}; it must list the clips") from err


def _other_split(row: dict[str, str]) -> str:
    """Split of a recording that is not a Speech Commands clip."""
    stem = Path(row["path"]).stem
    match row["kind"]:
        case "speech" if row["speaker"]:
            first_byte = hashlib.sha256(row["speaker"].encode()).digest()[0]
            held_out = first_byte < 128
        case "noise":
            held_out = stem in _VALIDATION_NOISES
        case "other_word":
            held_out = f"/{_VALIDATION_OTHER_WORD}/" in row["path"]
        case _:
            # Digits: the six voices are all needed. Coffee orders: speakers unknown, so they
            # can only stand on one side.
            held_out = False
    return "validation" if held_out else "train"
