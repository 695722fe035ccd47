"""One recording in memory, and how it gets there from a file of any kind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from engine.errors import ConfigError, SourceError
from engine.types import Float32
from training.data.sound_file import mono_blocks

Int16 = npt.NDArray[np.int16]

SAMPLE_RATE_HZ = 16_000
_BLOCK_S = 10
_MAX_SAMPLES = 1 << 29  # 2 GB as float32
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".opus", ".ogg", ".mp3", ".aif", ".aiff"})


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One recording.

    Attributes:
        path: Relative to its data folder.
        kind: "word", "digit", "speech", "other_word", "noise", or "mistake" for what a model took
            for a keyword.
        word: The spoken word for words and digits, else "".
        speaker: Empty where the source does not say.
        split: "train" or "validation".
        samples: 16 kHz mono, shape [n].
        synthetic: Whether a program spoke it.
    """

    path: str
    kind: str
    word: str
    speaker: str
    split: str
    samples: Int16
    synthetic: bool = False


def require_text(path: Path) -> None:
    """Refuse a name that is no UTF-8: it can be neither printed nor written to a table.

    Raises:
        ConfigError: It is none.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as err:
        shown = str(path).encode(errors="backslashreplace").decode()
        raise ConfigError(f"the name {shown} is no UTF-8; rename it") from err


def write_flac(path: Path, pcm: Int16) -> None:
    """Write 16 kHz mono as FLAC, aside and renamed.

    Raises:
        SourceError: It cannot be written; nothing is left of it.
    """
    aside = path.with_name(f"{path.stem}.partial.flac")
    try:
        soundfile.write(aside, pcm, SAMPLE_RATE_HZ, subtype="PCM_16")
        aside.replace(path)
    except (OSError, soundfile.LibsndfileError) as err:
        aside.unlink(missing_ok=True)
        raise SourceError(f"cannot write {path}: {err}; is the disk full?") from err


def read_samples(path: Path) -> Int16:
    """Decode a sound file of any rate, length and number of channels to 16 kHz mono.

    Raises:
        SourceError: It cannot be read, is empty, or holds values that are no numbers.
    """
    blocks: list[Float32] = []
    total, rate_hz = 0, SAMPLE_RATE_HZ
    for block, rate_hz in mono_blocks(path, _BLOCK_S, "remove it, or take it off the list"):
        blocks.append(block)
        total += len(block)
        if total > _MAX_SAMPLES:  # some kilobytes of FLAC may hold days of silence
            hours = total / rate_hz / 3600
            raise SourceError(
                f"{path} has more than {hours:.0f} hours, too much for memory; cut it into pieces"
            )
    mono = np.concatenate(blocks) if blocks else np.empty(0, np.float32)
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    if len(mono) == 0:  # also of a few samples at a high rate
        raise SourceError(f"{path} holds no samples; leave it out")
    pcm: Int16 = np.clip(np.round(mono * 32_768), -32_768, 32_767).astype(np.int16)
    return pcm


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
