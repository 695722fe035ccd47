"""Raw PCM on standard input: signed 16-bit little-endian, interleaved."""

from __future__ import annotations

import os
import select
from typing import BinaryIO, Self

import numpy as np

from engine.audio.source import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ, Block, MonoResampler
from engine.errors import ConfigError, SourceError

_WAIT_S = 0.2
_BLOCK_BYTES = 1 << 15
# MP3 is left out: it begins with two bytes that are a sample like others.
_FILE_BEGINNINGS = {
    b"RIFF": "WAV",
    b"RF64": "WAV",
    b"fLaC": "FLAC",
    b"OggS": "Ogg",
    b"FORM": "AIFF",
}
_BEGINNING_BYTES = 4


class StdinSource:
    """Reads PCM from a pipe or a redirected file.

    It is not live: a pipe waits while we are busy, so nothing is ever lost or skipped.

    Args:
        stream: Usually sys.stdin.buffer.
        rate_hz: Rate of the PCM.
        channels: Interleaved channels of the PCM.
        model_rate_hz: Rate to deliver.

    Raises:
        ConfigError: The rate or the channel count is absurd.
    """

    is_live = False
    name = "-"

    def __init__(
        self, stream: BinaryIO, *, rate_hz: int, channels: int, model_rate_hz: int
    ) -> None:
        if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
            raise ConfigError(f"--rate is {rate_hz}; it must be {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")
        if not 1 <= channels <= MAX_CHANNELS:
            raise ConfigError(f"--channels is {channels}; it must be 1 to {MAX_CHANNELS}")
        self._stream = stream
        self._rate_hz = rate_hz
        self._channels = channels
        self._resampler = MonoResampler(rate_hz, model_rate_hz)
        self._remainder = b""
        self._beginning: bytes | None = b""  # until it is known not to be a file's
        self._received = 0
        self._finished = False

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the PCM."""
        return self._rate_hz

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Standard input stays open."""

    def read(self) -> Block | None:
        """What has come within 0.2 s, or None at the end.

        Raises:
            SourceError: Nothing has come, or a sound file, or it cannot be read.
        """
        if self._finished:
            return None
        data = self._remainder
        if self._is_readable():
            try:
                fresh = os.read(self._stream.fileno(), _BLOCK_BYTES)
            except OSError as err:
                raise SourceError(f"cannot read standard input: {err.strerror}") from err
            self._received += len(fresh)
            self._finished = not fresh
            data += fresh
            self._refuse_file(fresh)
        if self._finished and self._received == 0:
            raise SourceError("standard input holds no audio; pipe raw signed 16-bit PCM into it")
        frame_bytes = 2 * self._channels
        whole = len(data) // frame_bytes * frame_bytes
        self._remainder = data[whole:]
        pcm = np.frombuffer(data[:whole], "<i2").reshape(-1, self._channels)
        samples = pcm.astype(np.float32) / np.float32(32768)
        return Block(samples=self._resampler.convert(samples, last=self._finished))

    def _refuse_file(self, fresh: bytes) -> None:
        """A header, or compressed audio, would be heard as noise."""
        if self._beginning is None:
            return
        self._beginning += fresh[:_BEGINNING_BYTES]
        if (kind := _FILE_BEGINNINGS.get(self._beginning[:_BEGINNING_BYTES])) is not None:
            raise SourceError(
                f"standard input holds a file ({kind}), and raw signed 16-bit PCM is read from it; "
                "name the file (--input FILE), or pipe PCM (arecord -t raw, ffmpeg -f s16le)"
            )
        if len(self._beginning) >= _BEGINNING_BYTES:
            self._beginning = None

    def _is_readable(self) -> bool:
        # Without a limit a silent pipe could not be left on Ctrl-C.
        return bool(select.select([self._stream], [], [], _WAIT_S)[0])
