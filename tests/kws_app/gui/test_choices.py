"""What there is to choose from, and what another model changes."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from tiny_model import make_model_folder

from engine.manifest import load_manifest
from kws_app.gui.choices import MAX_RECENT, backend_choices, for_model, model_choices, with_recent
from kws_app.resources import asset
from kws_app.settings import DEFAULT_MODEL, Settings


def test_models_that_come_along_are_first_then_those_used_before(
    tiny_folder: Path, tmp_path: Path
) -> None:
    own = make_model_folder(tmp_path / "own")
    gone = make_model_folder(tmp_path / "gone")
    shutil.rmtree(gone)
    choices = model_choices(tiny_folder, [str(own), str(gone), str(own)])
    assert [choice.folder for choice in choices] == [
        asset("models/default"),
        asset("models/accurate"),
        own,
        tiny_folder,
    ]
    assert choices[0].text == "ast-kws (default, 12 MB)"
    assert choices[1].text.startswith("ast-kws-accurate (accurate, ")
    assert choices[2].text == "tiny (own, below 1 MB)"
    assert [c.folder for c in model_choices(DEFAULT_MODEL)].count(DEFAULT_MODEL) == 1


def test_a_folder_without_a_manifest_is_named_by_its_path(tmp_path: Path) -> None:
    assert model_choices(tmp_path)[-1].text == str(tmp_path)
    for text in ("[]", "[" * 100_000):
        (tmp_path / "manifest.json").write_text(text)
        assert model_choices(tmp_path)[-1].text == str(tmp_path)


def test_own_models_are_remembered_newest_first(tmp_path: Path) -> None:
    assert with_recent(("/a",), DEFAULT_MODEL) == ("/a",)
    assert with_recent(("/a", "/b"), Path("/b")) == ("/b", "/a")
    many = tuple(f"/{number}" for number in range(MAX_RECENT))
    assert with_recent(many, Path("/new")) == ("/new", *many[:-1])
    assert with_recent(("/a",), Path("/caf\udce9")) == ("/a",)  # no text: no file can hold it


def test_backends_with_what_keeps_one_from_being_used(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    choices = {c.name: c.why_not for c in backend_choices(load_manifest(tiny_folder))}
    assert list(choices) == ["auto", "tensorrt", "tensorrt_rtx", "cuda", "cpu"]
    assert choices["auto"] == choices["cpu"] == ""
    assert "tensorrt is not installed" in choices["tensorrt"]


def test_another_model_decides_as_it_was_calibrated(tiny_folder: Path, tmp_path: Path) -> None:
    manifest = load_manifest(tiny_folder)
    settings = Settings(
        model=tmp_path, threshold={"stop": 0.5}, smoothing=9, refractory=2.0, keywords=("low",)
    )
    assert for_model(settings, manifest) == {
        "model": tiny_folder,
        "keywords": ("low",),  # the model has it
        "threshold": {},
        "smoothing": None,
        "refractory": None,
    }
    other = Settings(model=tmp_path, keywords=("low", "stop"))
    assert for_model(other, manifest)["keywords"] is None
    assert for_model(Settings(model=tmp_path), manifest)["keywords"] is None


def test_a_manifest_that_is_none_costs_its_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[" * 100_000)
    assert model_choices(tmp_path)[-1].text == str(tmp_path)
    path.unlink()
    os.mkfifo(path)  # nobody ever writes to it
    assert model_choices(tmp_path)[-1].text == str(tmp_path)
