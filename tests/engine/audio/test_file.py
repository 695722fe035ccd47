"""Sound files of any rate and channel count, a little at a time."""

import os
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from signals import tone

from engine.audio.file import FileSource
from engine.errors import SourceError


def write(path: Path, samples: np.ndarray, rate_hz: int, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, rate_hz, subtype=subtype)
    return path


def read_all(source: FileSource) -> tuple[np.ndarray, int]:
    """All samples and the longest block."""
    parts = []
    with source:
        while (block := source.read()) is not None:
            assert block.samples.dtype == np.float32
            assert block.samples.ndim == 1
            assert (block.lost_samples, block.overflows) == (0, 0)
            parts.append(block.samples)
    return np.concatenate(parts), max(map(len, parts))


def sine(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray:
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    mono = 0.4 * np.sin(2 * np.pi * 440 * time_s)
    return np.repeat(mono[:, None], channels, axis=1)


def test_16_khz_mono_passes_unchanged(tmp_path: Path) -> None:
    samples = (sine(16_000, 2.345)[:, 0] * 32_767).astype(np.int16)
    path = write(tmp_path / "a.wav", samples, 16_000)
    heard, longest = read_all(FileSource(path, 16_000))
    np.testing.assert_array_equal(heard, samples / np.float32(32_768))
    assert longest == 1_600


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channel_count(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = write(tmp_path / "a.wav", sine(rate_hz, 1.5, channels), rate_hz)
    heard, longest = read_all(FileSource(path, 16_000))
    assert abs(len(heard) - 24_000) <= 1
    middle = slice(4_000, 20_000)
    expected = 0.4 * np.sin(2 * np.pi * 440 * np.arange(24_000) / 16_000)
    np.testing.assert_allclose(heard[middle], expected[middle], atol=2e-3)
    assert longest < 6_000


@pytest.mark.parametrize("name", ["a.flac", "a.ogg", "a.aiff", "a.mp3"])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
def test_reading_in_blocks_equals_reading_at_once(tmp_path: Path, name: str, rate_hz: int) -> None:
    path = write(tmp_path / name, sine(rate_hz, 2), rate_hz)
    at_once, _ = soundfile.read(path, dtype="float32")
    heard, _ = read_all(FileSource(path, rate_hz))
    np.testing.assert_allclose(heard, at_once, atol=1e-6)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(300, 0.5), tone(2_000, 0.5)
    path = write(tmp_path / "a.wav", np.stack([left, right], 1), 16_000, "FLOAT")
    heard, _ = read_all(FileSource(path, 16_000))
    np.testing.assert_allclose(heard, (left + right) / 2, atol=1e-6)


def test_a_long_file_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.wav", np.zeros(16_000 * 30, np.int16), 16_000)
    asked: list[int] = []
    read = soundfile.SoundFile.read

    def counted(self: soundfile.SoundFile, frames: int = -1, **more: object) -> np.ndarray:
        asked.append(frames)
        return read(self, frames, **more)

    monkeypatch.setattr(soundfile.SoundFile, "read", counted)
    read_all(FileSource(path, 16_000))
    assert set(asked) == {1_600}


def test_the_name_and_rate_are_the_files(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(8_000, 0.2), 8_000)
    with FileSource(path, 16_000) as source:
        assert (source.name, source.sample_rate_hz, source.is_live) == (str(path), 8_000, False)


def text_file(folder: Path) -> Path:
    path = folder / "notes.wav"
    path.write_text("this is no sound\n" * 50)
    return path


def empty_file(folder: Path) -> Path:
    path = folder / "empty.wav"
    path.touch()
    return path


def header_only(folder: Path) -> Path:
    return write(folder / "header.wav", np.zeros(0, np.int16), 16_000)


def missing_file(folder: Path) -> Path:
    return folder / "nowhere.wav"


def a_folder(folder: Path) -> Path:
    return folder


def without_channels(folder: Path) -> Path:
    path = write(folder / "none.wav", np.zeros(100, np.int16), 16_000)
    data = bytearray(path.read_bytes())
    data[22:24] = b"\0\0"
    path.write_bytes(data)
    return path


def not_a_number(folder: Path) -> Path:
    samples = np.zeros((4_000, 2), np.float32)
    samples[3_210, 1] = np.nan
    return write(folder / "nan.wav", samples, 16_000, "FLOAT")


def absurd_rate(folder: Path) -> Path:
    return write(folder / "slow.wav", np.zeros(100, np.int16), 10)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (text_file, r"cannot read .*notes.wav as a sound file: Format not recognised"),
        (empty_file, r"cannot read .*empty.wav as a sound file: "),
        (header_only, r"header.wav holds no audio"),
        (missing_file, r"no such file: .*nowhere.wav"),
        (a_folder, r"is a folder; name a sound file"),
        (without_channels, r"cannot read .*none.wav as a sound file: "),
        (not_a_number, r"nan.wav holds the sample nan at frame 3210; "),
        (absurd_rate, r"slow.wav claims 10 samples a second; it must be 1000 to 768000"),
    ],
)
def test_bad_files_are_one_clear_error(tmp_path: Path, make: object, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_all(FileSource(make(tmp_path), 16_000))


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = write(tmp_path / "secret.wav", sine(16_000, 0.1), 16_000)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything (root)")
    with pytest.raises(SourceError, match=r"cannot read .*secret.wav"):
        read_all(FileSource(path, 16_000))


def test_a_length_that_nobody_knows_is_0(tmp_path: Path) -> None:
    source = FileSource(tmp_path / "x.wav", 16_000)
    assert source.duration_s == 0
    for frames, seconds in ((32_000, 2.0), (0, 0.0), (2**63 - 1, 0.0)):
        source._file = SimpleNamespace(frames=frames, samplerate=16_000)
        assert source.duration_s == seconds


def test_a_name_that_says_there_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(bytes(100))
    with pytest.raises(SourceError, match=r"a.raw has no header by its name; pipe its PCM in"):
        FileSource(path, 16_000).__enter__()


def test_very_many_channels_take_little_memory(tmp_path: Path) -> None:
    samples = np.ones((10, 1_024), np.int16)
    path = write(tmp_path / "a.wav", samples, 768_000)
    tracemalloc.start()
    try:
        heard, _ = read_all(FileSource(path, 768_000))
        assert tracemalloc.get_traced_memory()[1] < 100e6  # 0.1 s would be 315 MB, and twice
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(heard, np.full(10, 1 / 32_768))
