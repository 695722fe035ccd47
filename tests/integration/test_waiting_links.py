"""A folder that was handed on holds links where we write: none of them is written through."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ledgers import clip, entry
from tiny_model import make_model_folder

from engine.errors import ConfigError, KwsError, TrainingError
from engine.manifest import load_manifest
from engine.types import DeviceLost
from kws_app.health import Health
from kws_app.ledger.store import Ledger
from kws_app.posteriors import PosteriorsFile
from kws_app.recording import Recording
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.checkpoint import locked, save_checkpoint
from training.manifest_file import write_manifest
from training.run_log import RunLog
from training.synthetic_folder import SyntheticFolder
from training.weights import write_weights


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A file of whoever works with the folder."""
    path = tmp_path / "mine"
    path.write_text("mine")
    return path


def checkpoint(folder: Path) -> None:
    save_checkpoint(folder / "last.pt", {"step": 1})


def lock(folder: Path) -> None:
    with pytest.raises(TrainingError, match="cannot lock"), locked(folder):
        pass


def weights(folder: Path) -> None:
    shape = AstConfig(n_labels=3, dim=24, depth=1, heads=2)
    write_weights(folder / "best.safetensors", AudioSpectrogramTransformer(shape), {})


def log(folder: Path) -> None:
    RunLog(folder, 0, tensorboard=False).close()


def manifest(folder: Path) -> None:
    write_manifest(load_manifest(make_model_folder(folder)))


def synthetic(folder: Path) -> None:
    (folder / "synthesize.json").write_text("{}")
    SyntheticFolder(folder, {}).finish()


def kept(folder: Path) -> None:
    Ledger(folder).create(["yes"])
    Ledger(folder).add(entry(), clip())


def health(folder: Path) -> None:
    made = Health(folder / "health", {})
    made.take(DeviceLost(end_sample=0, device="mic", reason="gone"))
    assert json.loads((folder / "health").read_text())["v"] == 1


def recording(folder: Path) -> None:
    with Recording(folder / "heard.flac", 16_000) as made:
        made.add(np.zeros(16_000, np.float32), 0)
    assert not (folder / "heard.flac").is_symlink()


def posteriors(folder: Path) -> None:
    with PosteriorsFile(folder / "all.npz", ["yes"], 16_000):
        pass
    assert not (folder / "all.npz").is_symlink()


def not_kept(folder: Path) -> None:
    with pytest.raises((ConfigError, KwsError), match=r"symbolic link|it is a link"):
        kept(folder)


@pytest.mark.parametrize(
    ("link", "write"),
    [
        ("last.partial", checkpoint),
        (".lock", lock),
        ("best.partial", weights),
        ("log.partial", log),
        ("manifest.partial", manifest),
        ("clips.csv.partial", synthetic),
        ("validation_list.txt.partial", synthetic),
        ("ledger.jsonl.partial", kept),
        ("about.json.partial", kept),
        ("ledger.jsonl", not_kept),
        ("health.partial", health),
        ("heard.partial.flac", recording),
        ("all.partial.npz", posteriors),
        (".lock", not_kept),
        ("about.json", not_kept),
    ],
)
def test_what_a_link_leads_to_stays(
    tmp_path: Path, mine: Path, link: str, write: Callable[[Path], None]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / link).symlink_to(mine)
    write(folder)
    assert mine.read_text() == "mine"


def test_a_recording_is_not_made_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "heard.partial.flac").symlink_to(tmp_path / "made")
    recording(tmp_path)
    assert not (tmp_path / "made").exists()


def test_a_pipe_that_waits_holds_up_no_health(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "health.partial")
    health(tmp_path)


def test_two_recordings_of_one_name_are_two(tmp_path: Path) -> None:
    """The last to end is the one that stays, whole."""
    path = tmp_path / "heard.flac"
    with Recording(path, 16_000) as first:
        with Recording(path, 16_000) as second:
            first.add(np.zeros(16_000, np.float32), 0)
            second.add(np.zeros(32_000, np.float32), 0)
        assert len(soundfile.read(path)[0]) == 32_000
    assert len(soundfile.read(path)[0]) == 16_000
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_is_not_made_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".lock").symlink_to(tmp_path / "made")
    not_kept(folder)
    lock(folder)
    assert not (tmp_path / "made").exists()
