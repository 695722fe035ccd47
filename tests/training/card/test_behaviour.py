"""What a card says of odd inputs is what the application does with them."""

import math
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from card_world import World

from engine.errors import BackendError
from engine.manifest import load_manifest
from training.card import behaviour
from training.card.behaviour import find_behaviour


def test_lengths(world: World) -> None:
    found = world.records.behaviour
    assert found
    windows = {what: heard.windows for what, heard in found.lengths.items()}
    assert windows == {
        "shorter than a frame": 0,
        "shorter than a window": 0,
        "a window": 1,
        "longer": 16,
    }
    assert found.lengths["shorter than a frame"].seconds == 399 / 16_000
    assert found.other_rate.windows == 16


def test_integers_channels_and_silence(world: World) -> None:
    found = world.records.behaviour
    assert found
    assert found.int16_difference == 0
    assert found.stereo_difference == 0
    assert found.int16_array_shift == pytest.approx(2 * math.log(32_768), abs=0.01)
    assert found.stereo_array.startswith("refused: fbank got samples of shape (40000, 2)")
    assert found.silence.windows == 21
    assert np.ptp(found.silence.posteriors, axis=0).max() < 1e-6


def test_an_application_that_does_not_run_is_one_error(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    (own_tiny_folder / "model.onnx").write_bytes(b"no more")
    with pytest.raises(BackendError, match=r"the application does not run: .*was altered"):
        find_behaviour(manifest)


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._canary,)


@pytest.mark.parametrize("kind", ["payload", "junk", "none"])
def test_posteriors_that_hold_more_than_numbers_are_refused_and_not_run(
    own_tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    canary = tmp_path / "ran"

    def evil(command: list[str]) -> subprocess.CompletedProcess[str]:
        path = Path(command[command.index("--posteriors") + 1])
        if kind == "payload":
            np.savez(path, posteriors=np.array([Payload(canary)], object))
        elif kind == "junk":
            path.write_bytes(b"junk")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(behaviour, "run_apart", evil)
    with pytest.raises(BackendError, match="the application wrote no posteriors: "):
        find_behaviour(load_manifest(own_tiny_folder))
    assert not canary.exists()


def test_longer_windows_are_measured_by_their_own_length(own_tiny_folder: Path) -> None:
    from tiny_model import edit_manifest

    edit_manifest(own_tiny_folder, lambda data: data["windows"].update(window_samples=8_000))
    manifest = load_manifest(own_tiny_folder)
    assert manifest.windows == replace(manifest.windows, window_samples=8_000)
    found = find_behaviour(manifest)
    assert found.lengths["shorter than a window"].seconds == 0.25
    assert found.lengths["longer"].seconds == 2.0
    assert found.lengths["longer"].windows == 16
    assert found.silence.windows == 21
