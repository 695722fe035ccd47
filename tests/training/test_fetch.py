"""Released weights come with the hashes that their publishers state."""

import hashlib
from pathlib import Path

import pytest

from engine.errors import SourceError
from training import fetch as module
from training.__main__ import main
from training.download import Download
from training.fetch import fetch


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[Download]:
    downloads: list[Download] = []
    monkeypatch.setattr(module, "fetch_file", downloads.append)
    return downloads


def test_deit_is_checked_by_the_hash_in_its_name(fetched: list[Download], tmp_path: Path) -> None:
    path = fetch("deit-base-384", tmp_path)
    assert path == tmp_path / "deit-base-384" / "deit_base_distilled_patch16_384-d0272ac0.pth"
    assert [download.sha256 for download in fetched] == ["d0272ac0"]


def test_hub_files_are_checked_by_what_the_hub_says(
    fetched: list[Download], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = hashlib.sha256(b"weights").hexdigest()
    listing = {
        "sha": "abc",
        "siblings": [
            {"rfilename": "README.md", "blobId": "0"},
            {"rfilename": "config.json", "blobId": "1"},
            {"rfilename": "preprocessor_config.json", "blobId": "2"},
            {"rfilename": "model.safetensors", "blobId": "3", "lfs": {"sha256": sha256}},
        ],
    }
    monkeypatch.setattr(module, "fetch_json", lambda url, instead: listing)
    assert fetch("ast-speech-commands", tmp_path) == tmp_path / "ast-speech-commands"
    weights, config, _ = fetched
    assert weights.sha256 == sha256
    assert weights.url.endswith(
        "/MIT/ast-finetuned-speech-commands-v2/resolve/abc/model.safetensors"
    )
    assert (config.sha256, config.git_blob) == ("", "1")
    del listing["siblings"][-1]
    with pytest.raises(SourceError, match=r"does not list model.safetensors, config"):
        fetch("ast-audioset", tmp_path)


def test_without_network_it_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "HUB", "http://127.0.0.1:9")
    assert main(["fetch", "ast-speech-commands", "--to", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(
        "training: cannot fetch http://127.0.0.1:9/api/models/MIT/ast-finetuned"
    )
    assert "bring the file from a machine with network" in error
    assert error.count("\n") == 1
