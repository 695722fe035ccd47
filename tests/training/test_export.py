"""What is exported scores as what was trained, or is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.backends.onnxruntime import CpuBackend
from engine.config import FbankConfig
from engine.errors import ModelError
from engine.manifest import load_manifest
from training.ast import AstConfig
from training.data.scenes import SceneConfig
from training.export import export_model, load_trained
from training.fit import FitConfig, Trainer

LABELS = ["_silence_", "_unknown_", "no", "yes"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    Trainer(
        folder,
        labels=LABELS,
        fbank_config=FbankConfig(),
        model_config=AstConfig(n_labels=4, dim=24, depth=2, heads=2),
        scene_config=SceneConfig(),
        config=FitConfig(threads=1),
    ).save()
    return folder


@pytest.fixture(scope="module")
def model_folder(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "exported"
    difference = export_model(
        run_folder,
        folder,
        name="small",
        threshold=0.7,
        smoothing_windows=2,
        provenance={"data": ["tones"]},
    )
    assert difference < 1e-4
    return folder


def test_the_folder_says_what_it_holds(model_folder: Path) -> None:
    manifest = load_manifest(model_folder)
    assert manifest.labels == tuple(LABELS)
    assert manifest.background_labels == ("_silence_", "_unknown_")
    assert manifest.decision.smoothing_windows == 2
    assert set(manifest.decision.operating_points) == {"no", "yes"}
    assert manifest.decision.operating_points["yes"].threshold == 0.7
    assert manifest.decision.operating_points["yes"].rearm_threshold == 0.35
    provenance = manifest.provenance
    assert provenance["data"] == ["tones"]
    assert provenance["training"]["model"]["dim"] == 24
    assert provenance["parity_max_logit_difference"] < 1e-4
    assert not list(model_folder.glob("*.data"))  # no weights outside the ONNX file


def test_batches_of_any_size_are_accepted(run_folder: Path, model_folder: Path) -> None:
    model, _ = load_trained(run_folder)
    inputs = np.random.default_rng(1).standard_normal((7, 98, 128)).astype(np.float32)
    with CpuBackend(load_manifest(model_folder)) as backend, torch.no_grad():
        expected = model(torch.from_numpy(inputs)).numpy()
        np.testing.assert_allclose(backend.infer(inputs), expected, atol=1e-4)
        np.testing.assert_allclose(backend.infer(inputs[:1]), expected[:1], atol=1e-4)


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot read checkpoint .*last.pt"):
        load_trained(tmp_path)
