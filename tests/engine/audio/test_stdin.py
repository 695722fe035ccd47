"""Raw PCM from a pipe."""

import io
import os
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import soundfile
from signals import tone

from engine.audio.stdin import StdinSource
from engine.errors import ConfigError, SourceError


def piped(chunks: list[bytes]) -> BinaryIO:
    """A pipe that somebody else writes into."""
    read_end, write_end = os.pipe()

    def write() -> None:
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            for chunk in chunks:
                pipe.write(chunk)

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(read_end, "rb")


def read_all(chunks: list[bytes], *, rate_hz: int = 16_000, channels: int = 1) -> np.ndarray:
    with (
        piped(chunks) as stream,
        StdinSource(stream, rate_hz=rate_hz, channels=channels, model_rate_hz=16_000) as source,
    ):
        parts = []
        while (block := source.read()) is not None:
            parts.append(block.samples)
    return np.concatenate(parts)


def pcm(samples: np.ndarray) -> bytes:
    return np.round(samples * 32_768).astype("<i2").tobytes()


@pytest.mark.parametrize("size", [1, 3, 7, 4_096, 100_000])
def test_cuts_at_any_byte_change_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audio.stdin._BLOCK_BYTES", size)
    data = pcm(tone(440, 0.02 if size < 8 else 1.0))
    np.testing.assert_array_equal(pcm(read_all([data])), data)


def test_stereo_at_48_khz() -> None:
    time_s = np.arange(48_000) / 48_000
    mono = 0.3 * np.sin(2 * np.pi * 440 * time_s)
    heard = read_all([pcm(np.stack([mono, mono], 1))], rate_hz=48_000, channels=2)
    assert abs(len(heard) - 16_000) <= 1
    np.testing.assert_allclose(heard[4_000:12_000], mono[12_000:36_000:3], atol=2e-3)


def test_a_cut_sample_at_the_end_is_left_out() -> None:
    assert len(read_all([pcm(tone(440, 0.1)) + b"\x01"])) == 1_600


def test_an_idle_pipe_gives_empty_blocks() -> None:
    read_end, write_end = os.pipe()
    with (
        os.fdopen(read_end, "rb") as stream,
        StdinSource(stream, rate_hz=16_000, channels=1, model_rate_hz=16_000) as source,
    ):
        block = source.read()
        assert block is not None
        assert len(block.samples) == 0
        os.close(write_end)


def test_no_audio_at_all() -> None:
    with pytest.raises(SourceError, match="standard input holds no audio; pipe raw signed 16-bit"):
        read_all([])


@pytest.mark.parametrize(
    ("rate_hz", "channels", "message"),
    [
        (999, 1, "--rate is 999; it must be 1000 to 768000 Hz"),
        (768_001, 1, "--rate is 768001"),
        (16_000, 0, "--channels is 0; it must be 1 to 64"),
        (16_000, 65, "--channels is 65"),
    ],
)
def test_absurd_formats(rate_hz: int, channels: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        StdinSource(io.BytesIO(), rate_hz=rate_hz, channels=channels, model_rate_hz=16_000)


@pytest.mark.parametrize("size", [1, 3, 4_096])
@pytest.mark.parametrize(
    ("kind", "told"),
    [("WAV", "WAV"), ("RF64", "WAV"), ("FLAC", "FLAC"), ("OGG", "Ogg"), ("AIFF", "AIFF")],
)
def test_a_file_is_no_pcm(kind: str, told: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.audio.stdin._BLOCK_BYTES", size)
    file = io.BytesIO()
    soundfile.write(file, tone(440, 0.5), 16_000, format=kind)
    with pytest.raises(SourceError, match=rf"holds a file \({told}\)"):
        read_all([file.getvalue()])


def test_what_looks_like_a_file_later_is_audio() -> None:
    assert len(read_all([pcm(tone(440, 0.1)) + b"RIFF", b"fLaC"])) == 1_604


def test_one_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as stream:
        source = StdinSource(stream, rate_hz=16_000, channels=1, model_rate_hz=16_000)
        source._is_readable = lambda: True
        with pytest.raises(SourceError, match="cannot read standard input: Bad file descriptor"):
            source.read()
