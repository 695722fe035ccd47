"""A model folder is whole, checked against torch, and never half there."""

import dataclasses
from pathlib import Path

import onnx
import pytest
import torch

from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.manifest import load_manifest
from training import model_folder as module
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.model_folder import MAX_LOGIT_DIFFERENCE, ModelCard, parity, write_model_folder
from training.weights import build_model, read_weights

CARD = ModelCard(
    name="small", labels=["_silence_", "no", "yes"], activation="softmax", fbank=FbankConfig()
)


def small_model() -> AudioSpectrogramTransformer:
    torch.manual_seed(0)
    return AudioSpectrogramTransformer(AstConfig(n_labels=3, dim=24, depth=2, heads=2)).eval()


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    write_model_folder(tmp_path / "m", small_model(), CARD)
    return tmp_path / "m"


def test_the_weights_are_beside_the_onnx_file(model_folder: Path) -> None:
    assert {path.name for path in model_folder.iterdir()} == {
        *("manifest.json", "model.onnx", "model.safetensors"),
    }
    weights = read_weights(model_folder / "model.safetensors")
    assert parity(build_model(weights, "x"), model_folder) < 1e-4


def test_layer_norm_is_one_operator(model_folder: Path) -> None:
    nodes = onnx.load(model_folder / "model.onnx").graph.node
    operators = [node.op_type for node in nodes]
    assert operators.count("LayerNormalization") == 2 * 2 + 2
    assert operators.count("Softmax") == 2
    assert "Pow" not in operators


def test_another_model_fails_the_parity_check(model_folder: Path) -> None:
    model = small_model()
    assert parity(model, model_folder) < 1e-4
    with torch.no_grad():
        model.head.bias[2] += 0.01
    with pytest.raises(ModelError, match=r"differ from torch's by up to 1.00e-02; at most 1e-03"):
        parity(model, model_folder)
    with torch.no_grad():
        model.head.bias[2] = float("nan")
    with pytest.raises(ModelError, match="differ from torch's by up to nan"):
        parity(model, model_folder)


def test_a_failed_export_leaves_the_old_model(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = load_manifest(model_folder).model_sha256

    def fail(*_: object) -> float:
        raise ModelError("differs")

    monkeypatch.setattr(module, "parity", fail)
    with pytest.raises(ModelError, match="differs"):
        write_model_folder(model_folder, small_model(), CARD)
    assert load_manifest(model_folder).model_sha256 == before
    assert [path.name for path in model_folder.parent.iterdir()] == ["m"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": 2.0}, "threshold is 2.0"),
        ({"name": "a" * 65}, "name 'a+' must be text of at most 64 characters"),
        ({"labels": ("_silence_", "a\nb")}, "label 'a.nb' must be text"),
        ({"smoothing_windows": 0}, "smoothing is 0 windows"),
        ({"windows": WindowConfig(window_samples=64_000)}, "64000 samples has 398 frames"),
    ],
)
def test_a_card_refuses_at_once_what_the_manifest_would(
    fields: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(CARD, **fields)


def test_an_old_model_is_replaced_and_nothing_else(model_folder: Path) -> None:
    (model_folder / "notes.txt").write_text("mine")
    neighbours = [model_folder.with_name(name) for name in ("m.partial", "m.old", ".m.new")]
    for neighbour in neighbours:
        neighbour.mkdir()
    write_model_folder(model_folder, small_model(), dataclasses.replace(CARD, name="new"))
    assert load_manifest(model_folder).name == "new"
    assert (model_folder / "notes.txt").read_text() == "mine"
    assert set(model_folder.parent.iterdir()) == {model_folder, *neighbours}


def test_a_link_stays_a_link(model_folder: Path) -> None:
    link = model_folder.with_name("link")
    link.symlink_to(model_folder.name)
    write_model_folder(link, small_model(), dataclasses.replace(CARD, name="new"))
    assert link.is_symlink()
    assert load_manifest(model_folder).name == "new"


def test_interrupted_while_it_is_put_in_place_nothing_else_is_lost(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (model_folder / "notes.txt").write_text("mine")
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if self.name == "manifest.json":
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_model_folder(model_folder, small_model(), CARD)
    assert (model_folder / "notes.txt").read_text() == "mine"
    assert [path.name for path in model_folder.parent.iterdir()] == ["m"]
    write_model_folder(model_folder, small_model(), CARD)  # the same command again
    assert load_manifest(model_folder).name == CARD.name


def test_the_shipped_model_states_its_parity(default_folder: Path) -> None:
    manifest = load_manifest(default_folder)
    assert manifest.provenance["parity_max_logit_difference"] <= MAX_LOGIT_DIFFERENCE
    assert manifest.model_path.stat().st_size <= 25e6
    assert dataclasses.asdict(manifest.fbank) == dataclasses.asdict(FbankConfig())
