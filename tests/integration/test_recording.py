"""--record as a person uses it: what was heard can be heard again."""

import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from program import COMMAND, ROOT, detections, environment, json_lines, run, start
from signals import RATE_HZ, white_noise


@pytest.fixture(scope="module")
def samples(demo_path: Path) -> np.ndarray:
    return soundfile.read(demo_path, dtype="int16")[0]


@pytest.mark.parametrize("name", ["r.flac", "r.wav"])
def test_the_recording_is_what_was_heard_and_fires_again(
    tmp_path: Path, demo_path: Path, samples: np.ndarray, name: str
) -> None:
    path = tmp_path / name
    done = run("--headless", "--json", "--input", demo_path, "--record", path)
    assert done.stderr == f"kws: recording what the model hears to {path}, at most 24 h\n"
    recorded, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(recorded, samples)
    again = run("--headless", "--json", "--input", path)
    assert len(detections(done.stdout)) == 5
    assert detections(again.stdout) == detections(done.stdout)


def test_after_mixing_and_resampling(tmp_path: Path, samples: np.ndarray) -> None:
    """What is recorded is 16 kHz mono, and all that changes is the rounding to 16 bits."""
    stereo = soxr.resample(np.stack([samples, samples // 2], axis=1), RATE_HZ, 44_100)
    given, path = tmp_path / "a.wav", tmp_path / "r.flac"
    soundfile.write(given, stereo, 44_100)
    done = run("--headless", "--json", "--input", given, "--record", path, "--quiet")
    assert done.stderr == ""
    again = run("--headless", "--json", "--input", path)
    assert len(detections(done.stdout)) == 5
    assert detections(again.stdout) == detections(done.stdout)
    assert json_lines(again.stdout)[-1]["audio_s"] == json_lines(done.stdout)[-1]["audio_s"]
    assert json_lines(again.stdout)[0]["sample_rate"] == RATE_HZ


def test_it_ends_where_the_listening_ends(tmp_path: Path, demo_path: Path) -> None:
    for limit in (["--duration", "3.21"], ["--max-detections", "1"]):
        path = tmp_path / "r.flac"
        done = run("--headless", "--json", "--input", demo_path, *limit, "--record", path)
        assert soundfile.info(path).duration == json_lines(done.stdout)[-1]["audio_s"]


def test_by_variable_and_file(tmp_path: Path, demo_path: Path) -> None:
    arguments = ("--headless", "--input", demo_path, "--duration", "1.5")
    run(*arguments, KWS_RECORD=str(tmp_path / "a.flac"))
    config = tmp_path / "kws.toml"
    config.write_text(f'record = "{tmp_path}/b.wav"\n')
    run(*arguments, "--config", config)
    assert soundfile.info(tmp_path / "a.flac").frames == 24_000
    assert soundfile.info(tmp_path / "b.wav").frames == 24_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_keeps_what_was_heard(
    tmp_path: Path, demo_path: Path, samples: np.ndarray, number: signal.Signals
) -> None:
    path = tmp_path / "r.flac"
    program = start(*("--headless", "--json", "--realtime", "--input", demo_path, "--record", path))
    assert program.stdout is not None
    program.stdout.readline()
    program.stdout.readline()  # the first detection, after 2 s
    program.send_signal(number)
    program.send_signal(number)
    program.communicate(timeout=20)
    assert program.returncode == 0
    recorded, _ = soundfile.read(path, dtype="int16")
    assert len(recorded) > 30_000
    np.testing.assert_array_equal(recorded, samples[: len(recorded)])
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_keeps_what_was_heard(
    tmp_path: Path, demo_path: Path, samples: np.ndarray
) -> None:
    damaged, path = tmp_path / "damaged.wav", tmp_path / "r.flac"
    with_nan = (samples[:40_000] / 32_768).astype(np.float32)
    with_nan[-1] = np.nan
    soundfile.write(damaged, with_nan, RATE_HZ, subtype="FLOAT")
    done = run("--headless", "--input", damaged, "--record", path, "--quiet")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    recorded, _ = soundfile.read(path, dtype="int16")
    np.testing.assert_array_equal(recorded, samples[:38_400])  # up to the block with the damage


def test_a_full_disk_is_one_line_and_status_1(
    tmp_path: Path, demo_path: Path, samples: np.ndarray
) -> None:
    path = tmp_path / "r.flac"
    arguments = ("--headless", "--quiet", "--input", demo_path, "--record", path)
    done = run(*arguments, most_file_bytes=60_000)
    assert done.returncode == 1
    recorded, _ = soundfile.read(path, dtype="int16")
    assert done.stderr == (
        f"kws: cannot write --record {path}: File too large; the first "
        f"{len(recorded) / 16_000:.1f} s are kept\n"
    )
    assert len(recorded) > 16_000
    np.testing.assert_array_equal(recorded, samples[: len(recorded)])
    assert run("--headless", "--input", path).returncode == 0


@pytest.mark.parametrize("flag", ["--record", "--ledger"])
def test_a_full_disk_ends_no_live_stream(
    tmp_path: Path, demo_path: Path, samples: np.ndarray, flag: str
) -> None:
    """It is told when it happens, and the status says at the end that something was not kept."""
    path = tmp_path / ("r.flac" if flag == "--record" else "ledger")
    arguments = ("--headless", "--json", "--input", "-", flag, path)
    done = run(*arguments, data=samples.tobytes(), most_file_bytes=10_000)
    heard = detections(done.stdout)
    assert heard == detections(run("--headless", "--json", "--input", demo_path).stdout)
    assert len(heard) == 5
    said = done.stderr.splitlines()
    (told,) = [line for line in said if "; listening goes on" in line]
    assert "File too large" in told
    assert said[-1].startswith(told.partition("; listening")[0])
    assert done.returncode == 1


@pytest.mark.parametrize("n_samples", [16_000, 6_000])
def test_a_signal_hides_no_full_disk(tmp_path: Path, n_samples: int) -> None:
    """A microphone is listened to until one comes; the last samples are written after it."""
    path = tmp_path / "r.flac"
    program = subprocess.Popen(
        [*COMMAND, "--headless", "--json", "--quiet", "--input", "-", "--record", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert program.stdin is not None
    program.stdin.write((white_noise(1)[:n_samples] * 32_767).astype("<i2").tobytes())
    program.stdin.flush()
    parts = (path, tmp_path / "r.partial.flac")
    deadline = time.monotonic() + 20
    while not any(part.exists() and part.stat().st_size > 4_096 for part in parts):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    program.send_signal(signal.SIGTERM)
    _, err = program.communicate(timeout=20)
    assert program.returncode == 1
    assert err.decode().splitlines()[-1].startswith(f"kws: cannot write --record {path}: File too")
    assert soundfile.info(path).frames == 4_096  # a whole block of FLAC
