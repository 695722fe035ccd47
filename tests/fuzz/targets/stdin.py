"""Bytes on standard input.

The first five are their rate, their channels and how often the rest is said, odd ones included.
"""

from targets.common import written

from engine.audio.stdin import StdinSource
from engine.errors import KwsError

IS_TEXT = False


def run(data: bytes) -> None:
    rate_hz, channels = int.from_bytes(data[:3]), int.from_bytes(data[3:4]) % 80
    pcm = data[5:] * (1 + 4 * int.from_bytes(data[4:5]))
    path = written("stdin", pcm)
    samples = 0
    try:
        with path.open("rb") as stream:
            source = StdinSource(stream, rate_hz=rate_hz, channels=channels, model_rate_hz=16_000)
            with source:
                while (block := source.read()) is not None:
                    samples += len(block.samples)
    except KwsError:
        return
    frames = len(pcm) // (2 * channels)
    assert abs(samples - frames * 16_000 / rate_hz) <= 1 + 16_000 / rate_hz, (samples, frames)
