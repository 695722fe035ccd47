"""What every source of audio looks like to the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from engine.errors import SourceError
from engine.types import Float32

MAX_CHANNELS = 64
MIN_RATE_HZ = 1_000
MAX_RATE_HZ = 768_000


@dataclass(frozen=True, kw_only=True)
class Block:
    """A stretch of audio.

    Attributes:
        samples: Mono samples at the model's rate, shape [n]; n is 0 when nothing came in time.
        lost_samples: Samples at the model's rate that were lost just before.
        overflows: Times that the device reported lost input since the last block.
    """

    samples: Float32
    lost_samples: int = 0
    overflows: int = 0


class Source(Protocol):
    """Delivers blocks. Entered, read and left on one thread."""

    @property
    def name(self) -> str:
        """For people: a path, "-" or a device's name."""

    @property
    def is_live(self) -> bool:
        """Whether audio goes on by itself while we are busy."""

    @property
    def sample_rate_hz(self) -> int:
        """Rate before resampling; known once entered."""

    def __enter__(self) -> Self:
        """Open; raises SourceError or DeviceError."""

    def __exit__(self, *exc_info: object) -> None:
        """Close; never raises."""

    def read(self) -> Block | None:
        """The next block after at most about 0.2 s, or None at the end."""


class MonoResampler:
    """Averages channels and resamples a stream with soxr.

    Args:
        from_hz: Rate of the input.
        to_hz: Rate of the output.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = None
        if from_hz != to_hz:
            import soxr

            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    def convert(self, samples: Float32, *, last: bool = False) -> Float32:
        """Convert the next samples.

        Args:
            samples: Shape [n, channels].
            last: Whether the stream ends here; what the filter still holds comes out.

        Returns:
            Shape [m]; m / n is the ratio of the rates only on average.
        """
        mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
        if self._stream is None:
            return np.ascontiguousarray(mono)
        converted: Float32 = self._stream.resample_chunk(np.ascontiguousarray(mono), last=last)
        return converted


def check_finite(samples: Float32, name: str, position: int) -> None:
    """Raise SourceError if a sample is NaN or infinite, saying where."""
    if not np.isfinite(samples).all():
        first = int(np.flatnonzero(~np.isfinite(samples).all(axis=1))[0])
        raise SourceError(
            f"{name} holds a sample that is not a number at frame {position + first}; "
            "repair or convert the recording"
        )
