"""What is exported is what was trained."""

from pathlib import Path

import pytest
import torch
from small_run import LABELS, small_trainer, train

from engine.errors import ModelError
from engine.manifest import load_manifest
from training.export import export_model
from training.model_folder import parity
from training.start import open_trained


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train(folder)
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
        provenance={"by": "test"},
    )
    assert difference < 1e-4
    return folder


def test_the_folder_says_what_it_holds(model_folder: Path) -> None:
    manifest = load_manifest(model_folder)
    assert manifest.labels == LABELS
    assert manifest.background_labels == ("_silence_", "_unknown_")
    assert manifest.activation == "softmax"
    assert manifest.decision.smoothing_windows == 2
    assert set(manifest.decision.operating_points) == {"no", "yes"}
    assert manifest.decision.operating_points["yes"].threshold == 0.7
    assert manifest.decision.operating_points["yes"].rearm_threshold == 0.35
    provenance = manifest.provenance
    assert provenance["data"] == "tones"
    assert provenance["by"] == "test"
    assert provenance["training"]["model"]["dim"] == 24
    assert provenance["training"]["fit"]["batch_size"] == 8
    assert provenance["parity_max_logit_difference"] < 1e-4


def test_the_averaged_weights_are_exported(run_folder: Path, model_folder: Path) -> None:
    trainer = small_trainer(run_folder)
    trained = open_trained(str(model_folder)).model
    torch.testing.assert_close(
        dict(trained.state_dict()), dict(trainer.export_weights()), rtol=0, atol=0
    )
    assert not torch.equal(trained.head.weight, trainer.model.head.weight)
    assert parity(trained, model_folder) < 1e-4


def test_a_sigmoid_model_stays_one(tmp_path: Path) -> None:
    from dataclasses import replace

    from small_run import small_task

    train(tmp_path / "run", task=replace(small_task(), activation="sigmoid"), steps=1)
    export_model(tmp_path / "run", tmp_path / "m", name="x", threshold=0.5, smoothing_windows=1)
    assert load_manifest(tmp_path / "m").activation == "sigmoid"


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"cannot read .*last.pt: there is no such file; it must be the checkpoint"
    ):
        export_model(tmp_path, tmp_path / "m", name="x", threshold=0.5, smoothing_windows=1)
