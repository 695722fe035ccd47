"""The mean of weights, of models that are alike."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.average import average_models
from training.manifest_file import write_manifest
from training.model_folder import ModelCard, write_model_folder
from training.weights import read_weights

LABELS = ("_silence_", "_unknown_", "yes", "no")


def model_folder(folder: Path, seed: int, **changes: Any) -> Path:
    torch.manual_seed(seed)
    shape = AstConfig(n_labels=4, dim=24, depth=changes.pop("depth", 1), heads=2)
    values: dict[str, Any] = {
        "name": folder.name,
        "labels": LABELS,
        "activation": "softmax",
        "fbank": FbankConfig(),
        "windows": WindowConfig(),
        "threshold": 0.7,
        "smoothing_windows": 3,
        "provenance": {"seed": seed, "measured": {"old": 1}},
    }
    card = ModelCard(**(values | changes))
    write_model_folder(folder, AudioSpectrogramTransformer(shape).eval(), card)
    return folder


def test_the_mean_of_two(tmp_path: Path) -> None:
    folders = [model_folder(tmp_path / name, seed) for seed, name in enumerate(("a", "b"))]
    assert average_models(folders, tmp_path / "mean", name="both") < 1e-3
    one, two, mean = (
        read_weights(folder / "model.safetensors").tensors
        for folder in (*folders, tmp_path / "mean")
    )
    for key, tensor in mean.items():
        torch.testing.assert_close(tensor, (one[key] + two[key]) / 2)
    manifest = load_manifest(tmp_path / "mean")
    assert manifest.name == "both"
    assert manifest.decision.smoothing_windows == 3
    assert manifest.decision.operating_points["yes"].threshold == 0.7
    of = manifest.provenance["average_of"]
    assert [entry["seed"] for entry in of] == [0, 1]
    assert [entry["sha256"] for entry in of] == [load_manifest(f).model_sha256 for f in folders]
    assert "measured" not in manifest.provenance


def test_what_cannot_be_averaged(tmp_path: Path) -> None:
    one = model_folder(tmp_path / "one", 0)
    with pytest.raises(ConfigError, match=r"1 model\(s\) given; an average takes two or more"):
        average_models([one], tmp_path / "out", name="x")
    deeper = model_folder(tmp_path / "deeper", 1, depth=2)
    with pytest.raises(ConfigError, match="deeper has another shape than"):
        average_models([one, deeper], tmp_path / "out", name="x")
    other = model_folder(tmp_path / "other", 1, labels=(*LABELS[:3], "go"))
    with pytest.raises(ConfigError, match="other has other labels than"):
        average_models([one, other], tmp_path / "out", name="x")
    hop = model_folder(tmp_path / "hop", 1)
    write_manifest(replace(load_manifest(hop), windows=WindowConfig(hop_samples=3_200)))
    with pytest.raises(ConfigError, match="hop has other windows than"):
        average_models([one, hop], tmp_path / "out", name="x")
    assert not (tmp_path / "out").exists()
