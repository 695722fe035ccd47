"""A recording played into a virtual microphone comes out as the same detections."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import ROOT, detections, environment, json_lines, read_event, run, start
from signals import HIGH_HZ, LOW_HZ, RATE_HZ
from small_run import word_folder
from virtual_microphone import play

from engine.manifest import load_manifest


def test_the_file_and_the_microphone_agree(
    tmp_path: Path, microphone: dict[str, str], demo_path: Path
) -> None:
    samples, rate_hz = soundfile.read(demo_path, dtype="int16")
    from_file = detections(run("--headless", "--json", "--input", demo_path).stdout)
    assert len(from_file) >= 3
    wav = tmp_path / "demo.wav"
    soundfile.write(wav, samples, rate_hz)

    program = start("--headless", "--json", "--device", "pulse", **microphone)
    assert read_event(program)["sample_rate"] > 0
    play(wav, microphone)
    program.send_signal(signal.SIGTERM)
    out, err = program.communicate(timeout=20)
    assert (program.returncode, err) == (0, b"")

    heard = detections(out.decode())
    stop = json_lines(out.decode())[-1]
    assert stop["audio_s"] >= len(samples) / rate_hz - 0.5
    # Playing begins at any moment between two window hops, so a borderline word could fall on
    # either side of its threshold; the demo's words are not borderline.
    assert [word for word, _ in heard] == [word for word, _ in from_file]
    offsets_s = np.array([a[1] - b[1] for a, b in zip(heard, from_file, strict=True)])
    assert np.ptp(offsets_s) <= 0.2 + 1e-9


def test_what_the_microphone_delivers_is_what_was_played(
    tmp_path: Path, microphone: dict[str, str], tiny_folder: Path
) -> None:
    """Silence before, a tone of 0.5 s, silence after: the tiny model hears one tone."""
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 1_000 * time_s)
    wav = tmp_path / "tone.wav"
    soundfile.write(wav, np.concatenate([np.zeros(24_000), tone, np.zeros(24_000)]), RATE_HZ)
    program = start(
        *("--headless", "--json", "--model", tiny_folder, "--max-detections", "1"),
        **microphone,  # the default device
    )
    assert read_event(program)["event"] == "start"
    play(wav, microphone)
    out, _ = program.communicate(timeout=20)
    (only,) = detections(out.decode())
    assert only[0] == "low"
    assert program.returncode == 0


def test_a_recording_of_the_microphone_fires_again_at_the_same_times(
    tmp_path: Path, microphone: dict[str, str], demo_path: Path
) -> None:
    samples, rate_hz = soundfile.read(demo_path, dtype="int16", frames=11 * RATE_HZ)
    wav, recording = tmp_path / "demo.wav", tmp_path / "r.flac"
    soundfile.write(wav, samples, rate_hz)
    program = start(
        *("--headless", "--json", "--quiet", "--device", "pulse", "--rate", "44100"),
        *("--record", recording, "--ledger", tmp_path / "ledger"),
        **microphone,
    )
    read_event(program)
    play(wav, microphone)
    program.send_signal(signal.SIGTERM)
    out, err = program.communicate(timeout=20)
    assert (program.returncode, err) == (0, b"")
    lines = json_lines(out.decode())
    live = detections(out.decode())
    assert [word for word, _ in live] == ["yes", "stop", "left"]
    # The rest of the block in which the signal came was taken as well.
    assert 0 <= soundfile.info(recording).duration - lines[-1]["audio_s"] < 0.2
    listed = json_lines(run("ledger", "list", tmp_path / "ledger", "--json").stdout)
    kept = [entry for entry in listed if entry["kind"] == "detection"]
    assert [(entry["keyword"], entry["time_s"]) for entry in kept] == live
    replayed = run("--headless", "--json", "--input", recording).stdout
    if json_lines(replayed)[-1]["windows"] == lines[-1]["windows"]:  # none was skipped live
        assert detections(replayed) == live


def test_another_rate_is_resampled(microphone: dict[str, str], tiny_folder: Path) -> None:
    done = run(
        *("--headless", "--json", "--model", tiny_folder, "--device", "pulse"),
        *("--rate", "48000", "--channels", "2", "--duration", "1.5"),
        **microphone,
    )
    lines = json_lines(done.stdout)
    assert lines[0]["sample_rate"] == 48_000
    assert (lines[-1]["reason"], lines[-1]["audio_s"]) == ("duration", 1.5)


def test_without_the_server_the_device_is_refused(
    microphone: dict[str, str], tiny_folder: Path
) -> None:
    gone = microphone | {"PULSE_SERVER": "unix:/nowhere"}
    done = run("--headless", "--model", tiny_folder, "--device", "pulse", **gone)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "kws: " in done.stderr


def test_a_room_is_recorded_and_calibrated_on(
    tmp_path: Path, microphone: dict[str, str], own_tiny_folder: Path
) -> None:
    """`--record` listens through the application, and its hours count."""
    data = word_folder(tmp_path / "data", {"low": LOW_HZ, "high": HIGH_HZ})
    room = tmp_path / "room"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "training", "calibrate", "--model", str(own_tiny_folder)),
            *("--data", str(data), "--room", str(room), "--record", "5s", "--device", "pulse"),
            *("--false-alarms-per-day", "60000", "--most-delay", "1"),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(**microphone),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (recording,) = room.iterdir()
    assert soundfile.info(recording).duration == pytest.approx(5, abs=0.2)
    calibration = load_manifest(own_tiny_folder).provenance["calibration"]
    assert calibration["hours_by_kind"]["room"] == pytest.approx(5 / 3600, abs=1e-4)
