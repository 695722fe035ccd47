"""The window is measured on a display of its own, and what cannot be measured is said."""

import os
import shutil
import time
from pathlib import Path

import pytest
import soundfile

from benchmarks import window
from benchmarks.__main__ import main
from benchmarks.processes import usage
from benchmarks.recordings import write_recording


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr(window, "_STARTED_S", 0.5)


def test_the_processor_time_of_a_process_is_its_own() -> None:
    before, began_s = usage(os.getpid()), time.process_time()
    while time.process_time() - began_s < 0.3:
        pass
    after = usage(os.getpid())
    assert 0.28 <= after.cpu_s - before.cpu_s < 10
    assert 10 < after.resident_mb < 10_000
    assert after.threads >= 1
    with Path(__file__).open():
        assert usage(os.getpid()).descriptors == after.descriptors + 1


def test_a_recording_is_as_long_as_asked_and_repeats_what_there_is(tmp_path: Path) -> None:
    write_recording(tmp_path / "demo.wav", None, 40.0)
    assert 40 <= soundfile.info(tmp_path / "demo.wav").duration < 60
    with pytest.raises(SystemExit, match="no sound files below"):
        write_recording(tmp_path / "none.wav", tmp_path / "empty", 1.0)
    write_recording(tmp_path / "again.wav", tmp_path, 100.0)
    assert soundfile.info(tmp_path / "again.wav").duration >= 100


def test_both_tables(
    no_display: None, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--rounds", "1", "--stretch", "0.5", "--minutes", "0.05"]
    assert main(["window", "--model", str(tiny_folder), *flags]) == 0
    out = capsys.readouterr().out
    for row in ("| 1040 x 700 |", "| 1920 x 1080 |", "| hidden |", "MB an hour", "in its history"):
        assert row in out


def test_a_window_that_does_not_come_says_why(no_display: None, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"has ended before it showed a window; it said: kws: "):
        main(["window", "--model", str(tmp_path), "--rounds", "1", "--stretch", "0.5"])
