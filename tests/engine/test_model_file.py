"""What native code parses is what was hashed and looked at."""

import os
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from engine import model_file
from engine.errors import ModelError
from engine.manifest import ModelManifest, file_sha256, load_manifest
from engine.model_file import read_model_file


@pytest.fixture
def manifest(own_tiny_folder: Path) -> ModelManifest:
    return load_manifest(own_tiny_folder)


def test_the_file_as_it_was_hashed(manifest: ModelManifest) -> None:
    assert read_model_file(manifest) == manifest.model_path.read_bytes()


def test_another_file_of_the_folder(manifest: ModelManifest) -> None:
    path = manifest.folder / "rollout.onnx"
    manifest.model_path.rename(path)
    both = replace(manifest, files={**manifest.files, path.name: file_sha256(path)})
    assert read_model_file(both, path.name) == path.read_bytes()


def test_an_altered_file_is_refused(manifest: ModelManifest) -> None:
    manifest.model_path.write_bytes(manifest.model_path.read_bytes() + b"\0")
    with pytest.raises(ModelError, match="was altered"):
        read_model_file(manifest)


def test_a_link_is_refused(manifest: ModelManifest, tmp_path: Path) -> None:
    manifest.model_path.rename(tmp_path / "elsewhere.onnx")
    manifest.model_path.symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(ModelError, match="cannot be read: it is a link; links are not followed"):
        read_model_file(manifest)


def test_a_pipe_is_not_waited_for(manifest: ModelManifest) -> None:
    manifest.model_path.unlink()
    os.mkfifo(manifest.model_path)
    with pytest.raises(ModelError, match="cannot be read: it is no plain file"):
        read_model_file(manifest)


def test_a_file_that_is_too_large_is_refused(
    manifest: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "MAX_MODEL_BYTES", 1_000)
    with pytest.raises(ModelError, match="cannot be read: it is larger than 1000 bytes"):
        read_model_file(manifest)


def test_more_than_a_plain_model_is_refused(manifest: ModelManifest) -> None:
    model = onnx.load(manifest.model_path)
    model.graph.node[0].domain = "own"
    onnx.save(model, manifest.model_path)
    signed = replace(manifest, files={"model.onnx": file_sha256(manifest.model_path)})
    with pytest.raises(ModelError, match="uses operators of 'own'"):
        read_model_file(signed)
