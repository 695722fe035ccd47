"""Streams on disk: a sound file and a table of what is said for each, and `streams.json`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ConfigError, SourceError
from training.data.clips import SAMPLE_RATE_HZ, read_samples, require_text, write_flac
from training.evaluation.events import Reference
from training.evaluation.material import BACKGROUNDS
from training.evaluation.rooms import ROOMS
from training.evaluation.streams import Condition, Stream

INDEX_FILE = "streams.json"
_MAX_DB = 1_000
_KINDS = ("words", *BACKGROUNDS)
_COLUMNS = ("keyword", "onset_s", "offset_s", "speaker", "synthetic")


def write_streams(folder: Path, streams: Iterable[Stream], origin: dict[str, Any]) -> list[str]:
    """Write streams as FLAC with their truth as CSV.

    Args:
        folder: New, empty, or made by this before; old streams in it are removed.
        streams: Taken one at a time, so that they need not fit into memory together.
        origin: Plain values that say how they were made.

    Returns:
        Names of the files with sound.

    Raises:
        ConfigError: The folder holds something else.
    """
    _clear(folder)
    index: list[dict[str, Any]] = []
    for stream in streams:
        stem = "".join(c if c.isalnum() or c in "+-." else "_" for c in stream.name)
        pcm = np.round(stream.samples * 32_768).astype(np.int16)
        write_flac(folder / f"{stem}.flac", pcm)
        _write_truth(folder / f"{stem}.csv", stream.references)
        index.append(
            {
                "name": stream.name,
                "kind": stream.kind,
                "file": f"{stem}.flac",
                "truth": f"{stem}.csv",
                "snr_db": stream.condition.snr_db,
                "room": stream.condition.room.name if stream.condition.room else None,
                "gain_db": stream.condition.gain_db,
            }
        )
    text = json.dumps({"format_version": 1, "origin": origin, "streams": index}, indent=1)
    (folder / INDEX_FILE).write_text(text + "\n")
    return [entry["file"] for entry in index]


def read_streams(folder: Path) -> Iterator[Stream]:
    """Streams of a folder, one at a time.

    Raises:
        ConfigError: The folder or its index is no folder of streams.
        SourceError: A sound file or a table cannot be read.
    """
    for entry in read_index(folder):
        truth = folder / entry["truth"]
        samples = read_samples(folder / entry["file"]).astype(np.float32) / np.float32(32_768)
        condition = Condition(
            snr_db=entry["snr_db"],
            room=next((room for room in ROOMS if room.name == entry["room"]), None),
            gain_db=entry["gain_db"],
        )
        yield Stream(
            name=entry["name"],
            kind=entry["kind"],
            samples=samples,
            references=_within(_read_truth(truth), len(samples) / SAMPLE_RATE_HZ, truth),
            condition=condition,
        )


def read_spoken(folder: Path, keywords: Sequence[str]) -> list[str]:
    """Those of some keywords that the truth of any stream names; all of them where it names none.

    Raises:
        ConfigError: As for `read_streams`.
        SourceError: As there.
    """
    spoken = {
        reference.keyword
        for entry in read_index(folder)
        for reference in _read_truth(folder / entry["truth"])
    }
    return [word for word in keywords if word in spoken] or list(keywords)


def read_index(folder: Path) -> list[dict[str, Any]]:
    """What `streams.json` says of each stream; raises ConfigError if that is nothing of ours."""
    require_text(folder)
    path = folder / INDEX_FILE
    try:
        index = json.loads(path.read_text())
        entries = [_checked_entry(entry) for entry in index["streams"]]
    except OSError as err:
        raise ConfigError(
            f"cannot read {path}: {err.strerror}; python -m training streams makes such a folder"
        ) from err
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as err:
        raise ConfigError(f"{path} is no index of streams: {err}; make the folder anew") from err
    if not entries:
        raise ConfigError(f"{path} names no stream; make the folder anew")
    for field in ("name", "file"):
        twice = [value for value, n in Counter(e[field] for e in entries).items() if n > 1]
        if twice:
            raise ConfigError(f"{path} has two streams with {field} {twice[0]!r}; tell them apart")
    return entries


def _clear(folder: Path) -> None:
    """Make the folder; of earlier streams nothing must be left that the index does not name."""
    folder.mkdir(parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        return
    if not (folder / INDEX_FILE).is_file():
        raise ConfigError(f"{folder} holds other files; name a new folder")
    old = read_index(folder)
    (folder / INDEX_FILE).unlink()  # first: whatever ends this, no index names files of two runs
    for entry in old:
        for name in (entry["file"], entry["truth"]):
            (folder / name).unlink(missing_ok=True)


def _checked_entry(entry: dict[str, Any]) -> dict[str, Any]:
    for name in ("file", "truth"):
        require_text(Path(entry[name]))
        if Path(entry[name]).name != entry[name] or "\0" in entry[name]:
            raise ValueError(f"{name} is {entry[name]!r}, which is no file of the folder")
    if entry["kind"] not in _KINDS:
        raise ValueError(f"kind is {entry['kind']!r}; it must be one of {', '.join(_KINDS)}")
    snr_db = entry.get("snr_db")
    for decibels in (snr_db, entry.get("gain_db")):
        if decibels is not None and not abs(float(decibels)) <= _MAX_DB:
            raise ValueError(f"a level is {decibels} dB; it must be at most {_MAX_DB} dB in size")
    return {
        "name": str(entry["name"]),
        "kind": str(entry["kind"]),
        "file": entry["file"],
        "truth": entry["truth"],
        "snr_db": None if snr_db is None else float(snr_db),
        "room": entry.get("room"),
        "gain_db": float(entry.get("gain_db", 0.0)),
    }


def _within(
    references: tuple[Reference, ...], length_s: float, path: Path
) -> tuple[Reference, ...]:
    """Refuse a truth that no stream of that length can have."""
    for word in references:
        if not 0 <= word.onset_s < word.offset_s <= length_s + 1:
            raise SourceError(
                f"{path}: {word.keyword!r} is said from {word.onset_s:g} to {word.offset_s:g} s of "
                f"{length_s:.2f} s; mend it"
            )
    return references


def _write_truth(path: Path, references: Iterable[Reference]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        for reference in references:
            writer.writerow({**asdict(reference), "synthetic": int(reference.synthetic)})


def _text(value: str | None) -> str:
    if not value:  # also of a row that ends before its column
        raise ValueError("a row has no keyword")
    return value


def _read_truth(path: Path) -> tuple[Reference, ...]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return tuple(
                Reference(
                    keyword=_text(row["keyword"]),
                    onset_s=float(row["onset_s"]),
                    offset_s=float(row["offset_s"]),
                    speaker=row.get("speaker") or "",
                    synthetic=row.get("synthetic") == "1",
                )
                for row in csv.DictReader(file)
            )
    except OSError as err:
        raise SourceError(f"cannot read {path}: {err.strerror}; it says what is spoken") from err
    except (KeyError, TypeError, ValueError, csv.Error) as err:
        raise SourceError(
            f"{path} is no table of {', '.join(_COLUMNS[:3])}: {err}; mend it"
        ) from err
