"""Sound files block by block: what a header says of length and channels may be wrong or unknown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from engine.errors import SourceError
from engine.types import Float32

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000  # as for what is listened to
_MAX_MAGNITUDE = 1e8  # the same
_MAX_BLOCK_VALUES = 1 << 22  # 16 MB, whatever the channels


def mono_blocks(path: Path, block_s: float, remedy: str) -> Iterator[tuple[Float32, int]]:
    """The samples of a sound file, averaged over its channels, with its rate.

    Args:
        path: Anything that libsndfile reads.
        block_s: Length of the blocks; those of files with very many channels are shorter.
        remedy: What to do with a file that is no use, for messages.

    Yields:
        Samples of shape [n], n above 0, and the rate in Hz.

    Raises:
        SourceError: It cannot be read, or holds values that are no numbers.
    """
    if path.suffix.lower() == ".raw":  # libsndfile would have to be told its rate
        raise SourceError(f"cannot read {path}: it has no header by its name; {remedy}")
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise SourceError(f"{path} is no file; {remedy}")
        with soundfile.SoundFile(path) as file:
            rate_hz = int(file.samplerate)
            if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
                raise SourceError(
                    f"{path} claims {rate_hz} samples a second; it must be {MIN_RATE_HZ} to "
                    f"{MAX_RATE_HZ}; {remedy}"
                )
            file.seekable = lambda: False  # see engine.audio.file
            n_frames = max(1, min(int(block_s * rate_hz), _MAX_BLOCK_VALUES // file.channels))
            while len(block := file.read(n_frames, dtype="float32", always_2d=True)):
                yield _mono(block, path), rate_hz
    except (OSError, ValueError, soundfile.LibsndfileError) as err:
        raise SourceError(f"cannot read {path}: {err}; {remedy}") from err


def _mono(block: Float32, path: Path) -> Float32:
    if not (np.abs(block) <= _MAX_MAGNITUDE).all():  # NaN is not, either
        raise SourceError(f"{path} holds values that are no numbers; write it anew")
    mono: Float32 = block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
    return mono
