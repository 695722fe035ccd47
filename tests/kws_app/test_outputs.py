"""The files of the settings are opened before anything is heard, and closed whatever happens."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from full_disk import files_of_at_most
from signals import white_noise

from engine.config import DecisionConfig
from engine.errors import ConfigError, KwsError
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow
from engine.types import Detection, Posteriors
from kws_app.headless import make_source
from kws_app.ledger.store import Ledger
from kws_app.outputs import Outputs
from kws_app.settings import Settings

SAMPLES = np.full(20_000, 0.25, np.float32)


def make(settings: Settings, manifest: ModelManifest) -> Outputs:
    source = make_source(settings, 16_000)
    return Outputs(settings, manifest, manifest.decision, source)


def window() -> ScoredWindow:
    probs = np.array([0, 0, 0.9, 0.1], np.float32)
    return ScoredWindow(
        posteriors=Posteriors(probs=probs, end_sample=16_000),
        smoothed=probs,
        features=np.zeros((98, 128), np.float32),
        decision=DecisionConfig(),
        detections=[Detection(keyword="low", score=0.9, threshold=0.6, end_sample=16_000)],
        held_back={},
        skipped_windows=0,
        feature_s=0,
        inference_s=0,
    )


def everything(folder: Path, **more: object) -> Settings:
    values = {
        "input": "-",
        "posteriors": folder / "p.npz",
        "record": folder / "r.flac",
        "ledger": folder / "ledger",
    }
    return Settings(**(values | more))


def test_nothing_is_written_unless_asked(tmp_path: Path, tiny: ModelManifest) -> None:
    with make(Settings(input="-"), tiny) as outputs:
        outputs.hear(SAMPLES, 0)
        outputs.see(window())
    assert list(tmp_path.iterdir()) == []


def test_each_gets_what_it_needs(
    tmp_path: Path, tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    with make(everything(tmp_path, ledger_days=2.0, ledger_mb=0.5), tiny) as outputs:
        outputs.hear(SAMPLES, 0)
        outputs.see(window())
    assert soundfile.info(tmp_path / "r.flac").frames == 20_000
    assert len(Ledger(tmp_path / "ledger").entries()) == 1
    with np.load(tmp_path / "p.npz") as data:
        assert len(data["time_s"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"kws: recording what the model hears to {tmp_path / 'r.flac'}, at most 24 h",
        f"kws: keeping the audio of detections and near misses in {tmp_path / 'ledger'}, "
        "for 2 days, at most 0.5 MB",
        f"kws: ledger: 1 detections and 0 near misses kept in {tmp_path / 'ledger'}",
    ]


def test_quiet_is_quiet(
    tmp_path: Path, tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    with make(everything(tmp_path, quiet=True), tiny):
        pass
    assert capsys.readouterr().err == ""


def test_near_misses_by_the_setting(tmp_path: Path, tiny: ModelManifest) -> None:
    for near_miss, n_entries in ((0.5, 1), (0.9, 0)):
        settings = everything(tmp_path, ledger=tmp_path / f"{near_miss}", near_miss=near_miss)
        with make(settings, tiny) as outputs:
            outputs.hear(SAMPLES, 0)
            outputs.see(
                ScoredWindow(
                    posteriors=window().posteriors,
                    smoothed=np.array([0, 0.5, 0.4, 0.1], np.float32),
                    features=np.zeros((98, 128), np.float32),
                    decision=tiny.decision,
                    detections=[],
                    held_back={},
                    skipped_windows=0,
                    feature_s=0,
                    inference_s=0,
                )
            )
        assert len(Ledger(tmp_path / f"{near_miss}").entries()) == n_entries


def test_a_failure_closes_them_all(tmp_path: Path, tiny: ModelManifest) -> None:
    def fail() -> None:
        with make(everything(tmp_path), tiny) as outputs:
            outputs.hear(SAMPLES, 0)
            outputs.see(window())
            raise KwsError("device gone")

    with pytest.raises(KwsError, match="device gone"):
        fail()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["ledger", "p.npz", "r.flac"]
    assert len(Ledger(tmp_path / "ledger").entries()) == 1


def test_one_that_cannot_be_opened_closes_the_others(tmp_path: Path, tiny: ModelManifest) -> None:
    (tmp_path / "ledger").touch()
    with (
        pytest.raises(ConfigError, match=r"cannot keep a ledger in .*: Not a directory"),
        make(everything(tmp_path), tiny),
    ):
        pass
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["ledger", "p.npz"]  # a table of no windows, and no half file


def test_the_input_is_not_recorded_over(tmp_path: Path, tiny: ModelManifest) -> None:
    path, link = tmp_path / "a.flac", tmp_path / "b.flac"
    soundfile.write(path, SAMPLES, 16_000)
    link.symlink_to(path)
    for record in (path, link):
        with pytest.raises(ConfigError, match="is the file that is read; name another one"):
            make(Settings(input=str(path), record=record), tiny)
    make(Settings(input="-", record=path), tiny)
    make(Settings(input=str(tmp_path / "nowhere.wav"), record=path), tiny)


def test_a_recording_that_is_full_is_told_once(
    tmp_path: Path, tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.flac"
    settings = Settings(input="-", record=path, record_hours=1 / 3600)
    with make(settings, tiny) as outputs:
        for _ in range(3):
            outputs.hear(SAMPLES, 0)
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"kws: {path} is full: --record-hours; listening goes on"
    ]
    assert soundfile.info(path).frames == 16_000


NOISE = white_noise(2)


def test_a_full_disk_is_told_once_and_is_an_error_at_the_end(
    tmp_path: Path, tiny: ModelManifest, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(input="-", record=tmp_path / "r.flac", posteriors=tmp_path / "p.npz")
    outputs = make(settings, tiny)
    outputs.__enter__()
    assert outputs.not_kept == []
    with files_of_at_most(20):
        for block in np.split(NOISE, 10):
            outputs.hear(block, 0)
        for _ in range(3):
            outputs.see(window())
    assert outputs.not_kept == ["record", "posteriors"]
    outputs.hear(NOISE, 0)
    outputs.see(window())
    with pytest.raises(KwsError, match=r"cannot write --record .*: File too large; nothing is"):
        outputs.__exit__(None, None, None)
    assert capsys.readouterr().err.count("; listening goes on") == 2
    with np.load(tmp_path / "p.npz") as data:
        assert len(data["time_s"]) <= 1


def test_a_full_disk_ends_the_reading_of_a_recording(tmp_path: Path, tiny: ModelManifest) -> None:
    """It can be read again."""
    source = tmp_path / "a.flac"
    soundfile.write(source, SAMPLES, 16_000)
    outputs = make(Settings(input=str(source), record=tmp_path / "r.flac"), tiny)
    outputs.__enter__()
    with files_of_at_most(20), pytest.raises(KwsError, match="File too large"):
        outputs.hear(NOISE, 0)
    outputs.__exit__(KwsError, KwsError(), None)
