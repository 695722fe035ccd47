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
from training.data.sound_file import mono_blocks

_PIECE_S = 30
_UNKNOWN_FRAMES = 2**62  # or more: a FLAC file that was written to a pipe does not say
_REMEDY = "leave it out"


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
        found = soundfile.info(path)
    except (OSError, TypeError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}; {_REMEDY}") from err
    if found.frames < _UNKNOWN_FRAMES:
        return float(found.frames / found.samplerate) / 3600
    blocks = mono_blocks(path, _PIECE_S, _REMEDY)
    return sum(len(block) / rate_hz for block, rate_hz in blocks) / 3600


def read_pieces(path: Path) -> Iterator[Float32]:
    """A sound file of any rate and channels as 16 kHz mono, half a minute at a time.

    Raises:
        SourceError: It cannot be read, or holds values that are no numbers.
    """
    resample = None
    for block, rate_hz in mono_blocks(path, _PIECE_S, _REMEDY):
        if rate_hz != SAMPLE_RATE_HZ and resample is None:
            resample = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        yield resample.resample_chunk(block) if resample else block
    if resample:
        yield resample.resample_chunk(np.zeros(0, np.float32), last=True)
