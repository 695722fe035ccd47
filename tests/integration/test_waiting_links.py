"""A folder that was handed on holds links where we write: none of them is written through."""

from collections.abc import Callable
from pathlib import Path

import pytest
from ledgers import clip, entry
from tiny_model import make_model_folder

from engine.errors import ConfigError, KwsError, TrainingError
from engine.manifest import load_manifest
from kws_app.ledger.store import Ledger
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


def test_a_lock_is_not_made_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / ".lock").symlink_to(tmp_path / "made")
    not_kept(folder)
    lock(folder)
    assert not (tmp_path / "made").exists()
