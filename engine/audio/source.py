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
# Float files in the scale of 16-bit or 24-bit integers are odd but real; beyond is damage.
_MAX_MAGNITUDE = 1e8


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something is wrong with what a device delivers, though it delivers.

    Attributes:
        kind: "zeros", "rate", "fallback" or "no_fallback".
        text: What was found and how to mend it.
        is_over: Whether it has ended.
    """

    kind: str
    text: str
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Block:
    """A stretch of audio.

    Attributes:
        samples: Mono samples at the model's rate, shape [n]; n is 0 when nothing came in time.
        lost_samples: Samples at the model's rate that were lost just before.
        lost_reason: Why they were; "" where none were.
        overflows: Times that the device reported lost input since the last block.
        lost_device: Why the device is gone from here on; "" if it is not.
        device_back: Name of a device that is there again from here on; "" otherwise.
        capture_s: Age of the newest sample in it, from the sound at the microphone on; None where
            the source has none.
        clock_ppm: How much faster than its rate the device runs; None where that is not known.
        trouble: What is wrong with it from here on, or not any more.
    """

    samples: Float32
    lost_samples: int = 0
    lost_reason: str = ""
    overflows: int = 0
    lost_device: str = ""
    device_back: str = ""
    capture_s: float | None = None
    clock_ppm: float | None = None
    trouble: Trouble | None = None


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
        self._from_hz, self._to_hz = from_hz, to_hz
        self._taken_samples = self._given_samples = 0
        if from_hz != to_hz:
            import soxr

            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32")

    @property
    def held_s(self) -> float:
        """How much of what it has taken has not come out yet; swings by tens of milliseconds."""
        return self._taken_samples / self._from_hz - self._given_samples / self._to_hz

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
        self._taken_samples += len(mono)
        self._given_samples += len(converted)
        return converted

    def close(self) -> None:
        """Let go of soxr, which complains at the end of a program in which it is still held."""
        self._stream = None


def check_samples(samples: Float32, name: str, position: int) -> None:
    """Refuse samples that no recording holds.

    Args:
        samples: Shape [n, channels].
        name: The source, for the message.
        position: Frames that came before.

    Raises:
        SourceError: A sample is NaN, infinite or so large that its energy would overflow.
    """
    usable = np.abs(samples) <= _MAX_MAGNITUDE  # False for NaN, too
    if not usable.all():
        first = int(np.flatnonzero(~usable.all(axis=1))[0])
        value = samples[first][~usable[first]][0]
        raise SourceError(
            f"{name} holds the sample {value:g} at frame {position + first}; samples lie between "
            "-1 and 1: repair or convert the recording"
        )


def check_rate(rate_hz: int, name: str) -> None:
    """Raise SourceError if a file claims an absurd rate."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise SourceError(
            f"{name} claims {rate_hz} samples a second; it must be {MIN_RATE_HZ} to {MAX_RATE_HZ}"
        )
