"""Float samples to the 16 bits that sound files hold, and whole clips to FLAC."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

from engine.types import Float32

Int16 = npt.NDArray[np.int16]


def to_pcm(samples: Float32) -> Int16:
    """Samples in [-1, 1] as 16-bit PCM, shape as given; what is louder is clipped.

    The inverse of how sound files are read (divided by 32768), so that 16-bit audio comes out as it
    was.
    """
    pcm: Int16 = np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)
    return pcm


def to_flac(pcm: Int16, sample_rate_hz: int) -> bytes:
    """A FLAC file of mono samples, shape [n]."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, pcm, sample_rate_hz, format="FLAC", subtype="PCM_16")
    return file.getvalue()
