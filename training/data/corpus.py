"""Reads the recordings into memory, split by speaker.

The folder holds `speech_commands.csv` and `other_audio.csv` and the files that they name
(`docs/training.md` has the columns). Speakers never stand in two splits.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from engine.errors import SourceError

Int16 = npt.NDArray[np.int16]

SAMPLE_RATE_HZ = 16_000
# Running speech, noises and other words have no official split. Half of the speakers of running
# speech are kept for validation, and these noises and this word:
_VALIDATION_NOISES = ("kitchen", "rain", "pink_noise", "forest_2")
_VALIDATION_OTHER_WORD = "jarvis"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording.

    Attributes:
        path: Relative to the data folder.
        kind: "word", "digit", "speech", "other_word" or "noise".
        word: The spoken word for words and digits, else "".
        speaker: Empty where the source does not say.
        split: "train" or "validation".
        samples: 16 kHz mono, shape [n].
    """

    path: str
    kind: str
    word: str
    speaker: str
    split: str
    samples: Int16


def read_corpus(folder: Path, split: str, *, workers: int = 2) -> list[Clip]:
    """Read every clip of one split.

    Args:
        folder: The data folder.
        split: "train" or "validation".
        workers: Threads that decode.

    Returns:
        Clips in the order of the CSV files.

    Raises:
        SourceError: A CSV or a recording is missing or has another rate.
    """
    rows = [row for row in corpus_rows(folder) if row["split"] == split]
    with ThreadPoolExecutor(workers) as pool:
        audio = list(pool.map(lambda row: _read(folder / row["path"]), rows))
    return [Clip(**row, samples=samples) for row, samples in zip(rows, audio, strict=True)]


def corpus_rows(folder: Path) -> Iterator[dict[str, str]]:
    """What the tables say of every clip: path, kind, word, speaker, split."""
    for row in _csv(folder / "speech_commands.csv"):
        if row["suspect"] != "1":
            yield {
                "path": row["path"],
                "kind": "word",
                "word": row["word"],
                "speaker": row["speaker"],
                "split": row["split"],
            }
    for row in _csv(folder / "other_audio.csv"):
        yield {
            "path": row["path"],
            "kind": row["kind"],
            "word": row["note"] if row["kind"] == "digit" else "",
            "speaker": row["speaker"],
            "split": _other_split(row),
        }


def corpus_sources(folder: Path) -> list[dict[str, str]]:
    """Where the recordings come from and under which licence, for a model's provenance."""
    found = {("Speech Commands", "CC BY 4.0")}
    found |= {(row["source"], row["licence"]) for row in _csv(folder / "other_audio.csv")}
    return [{"source": source, "licence": licence} for source, licence in sorted(found)]


def _csv(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="") as file:
            yield from csv.DictReader(file)
    except OSError as err:
        raise SourceError(f"cannot read {path}: {err.strerror}; it must list the clips") from err


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


def _read(path: Path) -> Int16:
    try:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}") from err
    if rate != SAMPLE_RATE_HZ:
        raise SourceError(f"{path} has {rate} Hz; training data must have {SAMPLE_RATE_HZ} Hz")
    mono: Int16 = samples[:, 0].copy()
    return mono


def speech_extent(samples: Int16, *, below_peak_db: float = 26.0) -> tuple[int, int]:
    """First and last sample of the loud part of a short clip.

    Args:
        samples: One spoken word, shape [n].
        below_peak_db: 20 ms frames within this distance of the loudest one count as speech.

    Returns:
        Start and stop, padded by 40 ms; the whole clip if it has no loud part.
    """
    frame = SAMPLE_RATE_HZ // 50
    n_frames = len(samples) // frame
    if n_frames < 3:
        return 0, len(samples)
    frames = samples[: n_frames * frame].reshape(n_frames, frame).astype(np.float32)
    level_db = 10 * np.log10(np.mean((frames - frames.mean()) ** 2, axis=1) + 1e-3)
    floor_db = np.percentile(level_db, 10) + 6  # a noisy clip must not count as all speech
    loud = np.flatnonzero(level_db >= max(level_db.max() - below_peak_db, floor_db))
    if len(loud) == 0:
        return 0, len(samples)
    pad = 2 * frame
    return max(0, int(loud[0]) * frame - pad), min(len(samples), (int(loud[-1]) + 1) * frame + pad)
