"""A manifest is replaced as a whole, or not at all."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.manifest import load_manifest
from training import manifest_file
from training.manifest_file import write_manifest


def test_the_new_manifest_is_read(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    write_manifest(replace(manifest, name="other"))
    assert load_manifest(own_tiny_folder).name == "other"


def test_the_old_one_stays_where_the_new_one_cannot_be_written(
    own_tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = load_manifest(own_tiny_folder)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(manifest_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_manifest(replace(manifest, name="other"))
    assert load_manifest(own_tiny_folder) == manifest
    assert not list(own_tiny_folder.glob("*.partial"))
