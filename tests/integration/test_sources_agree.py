"""The same recording through every source gives the same detections at the same times."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from program import detections, json_lines, run
from signals import RATE_HZ


@pytest.fixture(scope="module")
def samples(demo_path: Path) -> np.ndarray:
    pcm, rate_hz = soundfile.read(demo_path, dtype="int16")
    assert rate_hz == RATE_HZ
    return pcm


@pytest.fixture(scope="module")
def from_file(demo_path: Path) -> list[tuple[str, float]]:
    heard = detections(run("--headless", "--json", "--input", demo_path).stdout)
    assert len(heard) >= 3
    return heard


def test_standard_input(samples: np.ndarray, from_file: list[tuple[str, float]]) -> None:
    done = run("--headless", "--json", "--input", "-", data=samples.tobytes())
    assert detections(done.stdout) == from_file


def test_stereo_pcm(samples: np.ndarray, from_file: list[tuple[str, float]]) -> None:
    stereo = np.stack([samples, samples], axis=1)
    done = run("--headless", "--json", "--input", "-", "--channels", "2", data=stereo.tobytes())
    assert detections(done.stdout) == from_file


@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_another_rate(
    tmp_path: Path, samples: np.ndarray, from_file: list[tuple[str, float]], rate_hz: int
) -> None:
    # Resampling twice is not exact, so a detection may move to the next window.
    resampled = soxr.resample(samples, RATE_HZ, rate_hz)
    path = tmp_path / "a.wav"
    soundfile.write(path, resampled, rate_hz)
    as_file = detections(run("--headless", "--json", "--input", path).stdout)
    piped = run(
        *("--headless", "--json", "--input", "-", "--rate", str(rate_hz)), data=resampled.tobytes()
    )
    assert detections(piped.stdout) == as_file
    assert [word for word, _ in as_file] == [word for word, _ in from_file]
    for (_, time_s), (_, expected_s) in zip(as_file, from_file, strict=True):
        assert abs(time_s - expected_s) < 0.11


def test_at_the_speed_of_a_microphone(demo_path: Path, from_file: list[tuple[str, float]]) -> None:
    done = run("--headless", "--json", "--realtime", "--input", demo_path, "--duration", "6")
    lines = json_lines(done.stdout)
    assert (lines[-1]["reason"], lines[-1]["audio_s"]) == ("duration", 6.0)
    assert lines[-1]["wall_s"] >= 5.9
    if lines[-1]["windows"] == 51:  # nothing was skipped on a busy machine
        assert detections(done.stdout) == [item for item in from_file if item[1] <= 6]


def test_posteriors_explain_the_detections(
    tmp_path: Path, demo_path: Path, from_file: list[tuple[str, float]]
) -> None:
    path = tmp_path / "p.npz"
    done = run("--headless", "--json", "--input", demo_path, "--posteriors", path)
    assert detections(done.stdout) == from_file
    with np.load(path, allow_pickle=False) as data:
        time_s, posteriors, labels = data["time_s"], data["posteriors"], list(data["labels"])
    stop = json_lines(done.stdout)[-1]
    assert posteriors.shape == (stop["windows"], len(labels))
    np.testing.assert_allclose(np.diff(time_s), 0.1)
    assert time_s[0] == 1.0
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    for word, at_s in from_file:
        row = int(np.argmin(np.abs(time_s - at_s)))
        assert posteriors[max(0, row - 4) : row + 1, labels.index(word)].max() > 0.3


def test_limits(demo_path: Path, from_file: list[tuple[str, float]]) -> None:
    one = run("--headless", "--json", "--input", demo_path, "--max-detections", "1").stdout
    assert detections(one) == from_file[:1]
    assert json_lines(one)[-1]["reason"] == "max detections"
    short = json_lines(run("--headless", "--json", "--input", demo_path, "--duration", "2").stdout)
    assert (short[-1]["reason"], short[-1]["audio_s"], short[-1]["windows"]) == (
        "duration",
        2.0,
        11,
    )


def test_the_same_wishes_by_flag_and_by_variable(demo_path: Path) -> None:
    word = detections(run("--headless", "--json", "--input", demo_path).stdout)[0][0]
    by_flag = run("--headless", "--json", "--input", demo_path, "--keywords", word)
    by_variable = run("--headless", "--json", "--input", demo_path, KWS_KEYWORDS=word)
    assert {keyword for keyword, _ in detections(by_flag.stdout)} == {word}
    assert detections(by_variable.stdout) == detections(by_flag.stdout)
