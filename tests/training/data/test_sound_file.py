"""What a header says of length, rate and channels may be unknown or a lie."""

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import white_noise

from engine.errors import SourceError
from training.data.clips import read_samples
from training.data.long_audio import hours_of, read_pieces
from training.data.sound_file import mono_blocks

NOISE = white_noise(1.5)


def flac_that_claims(path: Path, total: int) -> Path:
    """A FLAC file with another number of samples in its header (RFC 9639, section 8.2)."""
    soundfile.write(path, NOISE, 16_000)
    data = bytearray(path.read_bytes())
    data[21] = data[21] & 0xF0 | total >> 32
    data[22:26] = (total & 0xFFFFFFFF).to_bytes(4)
    path.write_bytes(data)
    return path


def wav(path: Path, *, channels: int, rate_hz: int, frames: int = 4) -> Path:
    size = 2 * channels
    data = b"WAVEfmt " + struct.pack("<IHHI", 16, 1, channels, rate_hz)
    data += struct.pack("<IHH", rate_hz * size & 0xFFFFFFFF, size, 16)
    data += b"data" + struct.pack("<I", frames * size) + bytes(frames * size)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data)) + data)
    return path


# 0: written to a pipe, so that nobody knew. The other one would take 256 GB.
@pytest.mark.parametrize("total", [0, 2**36 - 1])
def test_the_length_of_a_flac_file_is_that_of_its_samples(tmp_path: Path, total: int) -> None:
    path = flac_that_claims(tmp_path / "a.flac", total)
    whole = read_samples(path)
    np.testing.assert_allclose(whole, NOISE * 32_768, atol=1)
    assert len(np.concatenate(list(read_pieces(path)))) == len(NOISE)
    if total == 0:
        assert hours_of(path) == pytest.approx(1.5 / 3600)


@pytest.mark.parametrize("rate_hz", [1, 999, 768_001, 2**31 - 1])
def test_absurd_rates(tmp_path: Path, rate_hz: int) -> None:
    path = wav(tmp_path / "a.wav", channels=1, rate_hz=rate_hz)
    with pytest.raises(SourceError, match=rf"a.wav claims {rate_hz} samples a second; it must"):
        read_samples(path)


def test_very_many_channels_take_little_memory(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", channels=1_024, rate_hz=768_000)
    tracemalloc.start()
    try:
        assert [len(block) for block, _ in mono_blocks(path, 10, "leave it out")] == [4]
        assert tracemalloc.get_traced_memory()[1] < 100e6  # ten seconds would be 31 GB
    finally:
        tracemalloc.stop()


def test_less_than_one_sample_is_nothing(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", channels=1, rate_hz=768_000)
    with pytest.raises(SourceError, match="holds no samples; leave it out"):
        read_samples(path)


def test_files_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.RAW"
    path.write_bytes(bytes(100))
    for read in (read_samples, hours_of, lambda path: list(read_pieces(path))):
        with pytest.raises(SourceError, match=r"cannot read .*a.RAW"):
            read(path)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e9])
def test_values_that_are_no_sound(tmp_path: Path, value: float) -> None:
    samples = NOISE.copy()
    samples[7] = value
    soundfile.write(tmp_path / "a.wav", samples, 16_000, subtype="FLOAT")
    with pytest.raises(SourceError, match="holds values that are no numbers; write it anew"):
        list(mono_blocks(tmp_path / "a.wav", 1, "leave it out"))
