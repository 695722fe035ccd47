"""Long recordings piece by piece, so that a day of audio need not fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr

from engine.errors import SourceError
from engine.types import Float32
from training.data.clips import AUDIO_SUFFIXES, SAMPLE_RATE_HZ

_PIECE_S = 30


def sound_files(path: Path) -> list[Path]:
    """A sound file, or all those in a folder and its folders, by name.

    Raises:
        SourceError: There is none.
    """
    if not path.exists():
        raise SourceError(f"there is no {path}; name a recording, or a folder of them")
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    files = [file for file in found if file.suffix.lower() in AUDIO_SUFFIXES and file.is_file()]
    if not files:
        raise SourceError(
            f"{path} holds no sound file; name a recording, or a folder of wav, flac, ogg or mp3"
        )
    return files


def files_of_rooms(rooms: Sequence[Path]) -> list[Path]:
    """The recordings of several rooms, each once, however often and by whatever link it is named.

    Raises:
        SourceError: A room has none.
    """
    files = {file.resolve(): file for room in rooms for file in sound_files(room)}
    return list(files.values())


def has_sound(path: Path) -> bool:
    """Whether `sound_files` would find anything."""
    try:
        return bool(sound_files(path))
    except SourceError:
        return False


def hours_of(path: Path) -> float:
    """Length of a sound file; raises SourceError if it cannot be read."""
    try:
        return float(soundfile.info(path).duration) / 3600
    except (OSError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}; leave it out") from err


def read_pieces(path: Path) -> Iterator[Float32]:
    """A sound file of any rate and channels as 16 kHz mono, half a minute at a time.

    Raises:
        SourceError: It cannot be read, or holds values that are no numbers.
    """
    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = file.samplerate
            resample = None
            if rate_hz != SAMPLE_RATE_HZ:
                resample = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
            for block in file.blocks(_PIECE_S * rate_hz, dtype="float32", always_2d=True):
                mono = block.mean(axis=1, dtype=np.float32)
                if not np.isfinite(mono).all():
                    raise SourceError(f"{path} holds values that are no numbers; leave it out")
                yield resample.resample_chunk(mono) if resample else mono
            if resample:
                yield resample.resample_chunk(np.zeros(0, np.float32), last=True)
    except (OSError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}; leave it out") from err
