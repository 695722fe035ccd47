"""A long recording of what there is."""

from __future__ import annotations

import random
from itertools import chain, repeat
from pathlib import Path

import soundfile

from engine.audio.file import FileSource

RATE_HZ = 16_000
DEMO = Path(__file__).parent.parent / "assets" / "demo.flac"
_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3")


def sound_files(folder: Path | None) -> list[Path]:
    """Those below a folder in a fixed random order; the bundled recording if that is None."""
    if folder is None:
        return [DEMO]
    files = sorted(file for file in folder.rglob("*") if file.suffix in _SUFFIXES)
    if not files:
        raise SystemExit(f"no sound files below {folder}; it takes {', '.join(_SUFFIXES)}")
    random.Random(0).shuffle(files)
    return files


def write_recording(path: Path, folder: Path | None, seconds: float) -> None:
    """Write one of at least a length: 16 kHz, mono.

    Args:
        path: Where.
        folder: Its sound files are taken in a fixed random order, again and again; the bundled
            recording if None.
        seconds: Length.
    """
    files = sound_files(folder)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16") as written:
        for file in chain.from_iterable(repeat(files)):
            with FileSource(file, RATE_HZ) as source:
                while (block := source.read()) is not None:
                    written.write(block.samples)
            if written.frames >= seconds * RATE_HZ:
                return
