"""From a folder of clips to figures, thresholds and a running application, as a person does it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import ROOT, detections, environment, run
from signals import HIGH_HZ, LOW_HZ
from small_run import word_folder

from engine.manifest import load_manifest


def training(*arguments: str | Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "training", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tones as words, and talk that has none."""
    folder = word_folder(
        tmp_path_factory.mktemp("truth") / "data", {"low": LOW_HZ, "high": HIGH_HZ}
    )
    (folder / "_speech_").mkdir()
    talk = 0.01 * np.random.default_rng(0).standard_normal(40 * 16_000)
    soundfile.write(folder / "_speech_" / "talk.flac", talk, 16_000)
    listed = (folder / "validation_list.txt").read_text()
    (folder / "validation_list.txt").write_text(f"{listed}\n_speech_/talk.flac\n")
    return folder


def test_streams_are_heard_by_the_application_as_evaluate_counts_them(
    data: Path, tiny_folder: Path, tmp_path: Path
) -> None:
    said = training("streams", "--data", data, "--out", tmp_path / "streams", "--snr", "10")
    assert "speech.flac" in said.stdout
    table = training(
        "evaluate",
        "--streams",
        tmp_path / "streams",
        "--model",
        tiny_folder,
        "--out",
        tmp_path / "r",
    )
    assert "| as shipped | 2 | 0.6 |" in table.stdout
    figures = json.loads((tmp_path / "r" / "figures.json").read_text())
    clean = next(s for s in figures["settings"][0]["streams"] if s["name"] == "words, clean")
    heard = run(
        "--headless", "--json", "--model", tiny_folder,
        "--input", tmp_path / "streams" / "words__clean.flac",
    )  # fmt: skip
    found = detections(heard.stdout)
    assert len(found) == clean["references"] - clean["missed"] + clean["false_alarms"]
    assert clean["references"] == 4


def test_a_promise_is_written_and_the_application_keeps_to_it(
    data: Path, own_tiny_folder: Path
) -> None:
    asked = ("calibrate", "--model", own_tiny_folder, "--data", data, "--false-alarms-per-day")
    before = (own_tiny_folder / "manifest.json").read_bytes()
    refused = training(*asked, "1", status=1)
    assert "a promise of 1 a day can't be made from 40.5 seconds" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    tried = training(*asked, "7000", "--dry-run", "--most-delay", "1")
    assert "Promised: at most 7000 false alarms a day" in tried.stdout
    assert (own_tiny_folder / "manifest.json").read_bytes() == before
    training(*asked, "7000", "--most-delay", "1")
    manifest = load_manifest(own_tiny_folder)
    assert manifest.provenance["calibration"]["promised_per_day"] == 7000
    quiet = run(
        "--headless",
        "--json",
        "--model",
        own_tiny_folder,
        "--input",
        data / "_speech_" / "talk.flac",
    )
    assert detections(quiet.stdout) == []


def test_what_is_mined_can_be_trained_on(data: Path, tiny_folder: Path, tmp_path: Path) -> None:
    found = training(
        "mine", "--model", tiny_folder, "--data", data, "--split", "validation",
        "--out", tmp_path / "hard", "--threshold", "0.01",
    )  # fmt: skip
    assert f'corrections = "{tmp_path / "hard"}"' in found.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "--data", "nowhere"), "data folder nowhere does not exist"),
        (("evaluate", "--streams", "nowhere"), "cannot read nowhere/streams.json"),
        (("evaluate", "--data", "DATA", "--keywords", "low,loud", "--model", "MODEL"), "'loud' is"),
        (("streams", "--data", "DATA", "--out", "OUT", "--keywords", "loud"), "no clip of 'loud'"),
        (("streams", "--data", "DATA", "--out", "OUT", "--snr", "1e9"), "snr_db is 1e"),
        (
            ("mine", "--data", "DATA", "--out", "OUT", "--model", "nowhere"),
            "nowhere does not exist",
        ),
        (
            ("calibrate", "--data", "DATA", "--model", "MODEL", "--false-alarms-per-day", "nan"),
            "must be above 0",
        ),
        (
            (
                *("calibrate", "--data", "DATA", "--model", "MODEL", "--room", "nowhere"),
                *("--false-alarms-per-day", "9"),
            ),
            "there is no nowhere; name a recording",
        ),
        (
            (
                *("calibrate", "--data", "DATA", "--model", "MODEL", "--record", "soon"),
                *("--false-alarms-per-day", "9"),
            ),
            "the duration is 'soon'",
        ),
        (
            (
                *("calibrate", "--data", "DATA", "--model", "MODEL", "--record", "1h"),
                *("--false-alarms-per-day", "9"),
            ),
            "can't be made from 1 hour of audio",
        ),
    ],
)
def test_what_is_wrong_is_one_line(
    data: Path, tiny_folder: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    places = {"DATA": data, "MODEL": tiny_folder, "OUT": tmp_path / "out"}
    done = training(*(places.get(part, part) for part in arguments), status=1)
    assert message in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("training: ")
