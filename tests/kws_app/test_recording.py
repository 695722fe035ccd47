"""What was heard is in the file, at its time, whatever ended the listening."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import files_of_at_most
from signals import white_noise

from engine.audio.file import FileSource
from engine.errors import ConfigError, KwsError
from kws_app import recording
from kws_app.recording import Recording

NOISE = white_noise(2)
PCM = np.round(NOISE * 32_768).astype(np.int16)
SUFFIXES = pytest.mark.parametrize("suffix", [".flac", ".wav", ".FLAC"])


def read(path: Path) -> np.ndarray:
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 16_000
    assert soundfile.info(path).subtype == "PCM_16"
    return samples


@SUFFIXES
def test_the_samples_that_were_heard(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    with Recording(path, 16_000) as file:
        for first in range(0, len(NOISE), 777):
            file.add(NOISE[first : first + 777], 0)
        assert not path.exists()  # written aside
    np.testing.assert_array_equal(read(path), PCM)
    assert list(tmp_path.iterdir()) == [path]


def test_lost_samples_are_zeros(tmp_path: Path) -> None:
    path = tmp_path / "r.flac"
    with Recording(path, 16_000) as file:
        file.add(NOISE[:1_000], 0)
        file.add(NOISE[:0], 40_000)
        file.add(NOISE[:500], 123)
    samples = read(path)
    assert len(samples) == 1_000 + 40_000 + 123 + 500
    np.testing.assert_array_equal(samples[:1_000], PCM[:1_000])
    assert not samples[1_000:41_123].any()
    np.testing.assert_array_equal(samples[41_123:], PCM[:500])


def test_hours_of_lost_samples_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written with what comes after them, in order."""
    monkeypatch.setattr(recording, "_MOST_ZEROS_AT_ONCE", 20_000)
    path = tmp_path / "r.flac"
    with Recording(path, 16_000) as file:
        file.add(NOISE[:1_000], 0)
        lengths = [file.seconds]
        file.add(NOISE[1_000:2_000], 100_000)
        lengths.append(file.seconds)
        for first in range(2_000, 6_000, 1_000):
            file.add(NOISE[first : first + 1_000], 5)
            lengths.append(file.seconds)
        assert max(np.diff(lengths)) <= 2  # of the 6.25 s, in pieces of one
        file.add(NOISE[:0], 300_000)  # what is left at the end is written then
    samples = read(path)
    assert len(samples) == 1_000 + 100_000 + 1_000 + 4 * 1_005 + 300_000
    assert not samples[1_000:101_000].any()
    np.testing.assert_array_equal(samples[101_000:102_000], PCM[1_000:2_000])
    np.testing.assert_array_equal(samples[102_005:103_005], PCM[2_000:3_000])
    np.testing.assert_array_equal(samples[105_020:106_020], PCM[5_000:6_000])


def test_the_first_error_is_told_where_what_waits_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MOST_ZEROS_AT_ONCE", 0)
    error = KwsError("device gone")
    file = Recording(tmp_path / "r.flac", 16_000).__enter__()
    file.add(NOISE, 0)
    file.add(NOISE, 10)  # waits
    with files_of_at_most(20):
        file.__exit__(KwsError, error, None)
    other = Recording(tmp_path / "s.flac", 16_000).__enter__()
    other.add(NOISE, 10)
    with files_of_at_most(20), pytest.raises(KwsError, match="File too large"):
        other.__exit__(None, None, None)


def test_lost_samples_that_are_waiting_do_not_outlast_the_most_hours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MOST_ZEROS_AT_ONCE", 20_000)
    path = tmp_path / "r.flac"
    with Recording(path, 16_000, most_hours=100_000 / 16_000 / 3_600) as file:
        ends = [file.add(NOISE[:10], 10**9) for _ in range(20)]
    assert sum(ends) == 1
    assert len(read(path)) == 100_000


@pytest.mark.parametrize("error", [KwsError("device gone"), KeyboardInterrupt()])
def test_what_came_before_a_failure_is_kept(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with Recording(tmp_path / "r.flac", 16_000) as file:
            file.add(NOISE, 0)
            raise error

    with pytest.raises(type(error)):
        fail()
    np.testing.assert_array_equal(read(tmp_path / "r.flac"), PCM)


@SUFFIXES
def test_a_full_disk_is_one_error_and_keeps_what_fitted(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    blocks = iter(np.split(NOISE, 100))

    def fill() -> None:
        with Recording(path, 16_000) as file, files_of_at_most(30_000):
            for block in blocks:
                file.add(block, 0)

    with pytest.raises(KwsError) as caught:
        fill()
    assert len(list(blocks)) > 20  # the error came at the block that did not fit
    samples = read(path)
    told = f"{path}: File too large; the first {len(samples) / 16_000:.1f} s are kept"
    assert str(caught.value) == f"cannot write --record {told}"
    assert 10_000 < len(samples) < 20_000
    np.testing.assert_array_equal(samples, PCM[: len(samples)])
    # And it can be listened to again.
    with FileSource(path, 16_000) as source:
        heard = []
        while (block := source.read()) is not None:
            heard.append(block.samples)
    assert len(np.concatenate(heard)) == len(samples) == soundfile.info(path).frames
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_that_was_full_before_leaves_no_file(tmp_path: Path) -> None:
    def fill() -> None:
        with files_of_at_most(0), Recording(tmp_path / "r.flac", 16_000) as file:
            file.add(NOISE, 0)

    with pytest.raises(KwsError, match="File too large; nothing is kept"):
        fill()
    assert list(tmp_path.iterdir()) == []


def fail_at_the_end(path: Path, n_samples: int, limit_bytes: int, error: Exception | None) -> None:
    """A FLAC block has 4096 samples; what waits for a whole one is written on closing."""
    with ExitStack() as stack, Recording(path, 16_000) as file:
        file.add(NOISE[:n_samples], 0)
        stack.enter_context(files_of_at_most(limit_bytes))
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("n_samples", "limit_bytes", "kept"), [(6_000, 10_000, 4_096), (4_000, 1_000, 0)]
)
def test_a_disk_that_is_full_for_the_last_samples_is_told_as_well(
    tmp_path: Path, n_samples: int, limit_bytes: int, kept: int
) -> None:
    path = tmp_path / "r.flac"
    told = "the first 0.3 s are kept" if kept else "nothing is kept"
    with pytest.raises(KwsError, match=f"File too large; {told}"):
        fail_at_the_end(path, n_samples, limit_bytes, None)
    np.testing.assert_array_equal(read(path) if path.exists() else [], PCM[:kept])
    assert len(list(tmp_path.iterdir())) == (1 if kept else 0)


def test_what_a_crash_left_is_not_written_over(tmp_path: Path) -> None:
    for name in ("r.partial.flac", "r.partial1.flac"):
        (tmp_path / name).write_bytes(b"all that there is")
    with Recording(tmp_path / "r.flac", 16_000) as file:
        file.add(NOISE, 0)
    assert file.seconds == len(NOISE) / 16_000
    assert (tmp_path / "r.partial.flac").read_bytes() == b"all that there is"
    assert len(list(tmp_path.iterdir())) == 3


def test_the_first_error_is_the_one_that_is_told(tmp_path: Path) -> None:
    with pytest.raises(KwsError, match="device gone"):
        fail_at_the_end(tmp_path / "r.flac", 6_000, 10_000, KwsError("device gone"))


def test_a_wav_file_ends_before_its_header_overflows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_MAX_WAV_SAMPLES", 1_000)
    path = tmp_path / "r.wav"

    def fill() -> None:
        with Recording(path, 16_000) as file:
            file.add(NOISE[:1_000], 0)
            file.add(NOISE[:1], 0)

    with pytest.raises(KwsError, match=r"r.wav is full after 0 h.*record to a \.flac"):
        fill()
    np.testing.assert_array_equal(read(path), PCM[:1_000])
    with Recording(tmp_path / "r.flac", 16_000) as file:
        file.add(NOISE, 0)


def test_nothing_heard_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "r.flac"
    path.write_text("old")
    with Recording(path, 16_000):
        pass
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_refused_before_listening(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"r.mp3; its name must end in \.flac or \.wav"):
        Recording(tmp_path / "r.mp3", 16_000)
    with pytest.raises(ConfigError, match=r"folder .*nowhere does not exist"):
        Recording(tmp_path / "nowhere" / "r.flac", 16_000)
    with (
        pytest.raises(ConfigError, match=r"cannot write --record /proc/r.flac: "),
        Recording(Path("/proc/r.flac"), 16_000),
    ):
        pass


def test_a_target_that_became_a_folder_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "r.flac"

    def spoil() -> None:
        with Recording(path, 16_000) as file:
            file.add(NOISE, 0)
            path.mkdir()

    with pytest.raises(KwsError, match=r"cannot write --record .*r.flac: Is a directory"):
        spoil()


@SUFFIXES
def test_a_recording_ends_at_its_limit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"r{suffix}"
    with Recording(path, 16_000, most_hours=1 / 3600) as file:
        last = [file.add(NOISE[first : first + 777], 0) for first in range(0, len(NOISE), 777)]
        assert last.count(True) == 1
        assert file.is_full
        np.testing.assert_array_equal(read(path), PCM[:16_000])  # closed and renamed already
        assert file.add(NOISE, 5) is False
    assert len(read(path)) == 16_000
    assert list(tmp_path.iterdir()) == [path]


def test_silence_for_what_was_lost_ends_at_the_limit_too(tmp_path: Path) -> None:
    path = tmp_path / "r.flac"
    with Recording(path, 16_000, most_hours=1 / 3600) as file:
        assert file.add(NOISE[:100], 10**9)
    assert len(read(path)) == 16_000
