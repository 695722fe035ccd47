"""What is exported is what was trained."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from signals import white_noise
from small_run import LABELS, small_trainer, train, word_folder

from engine.config import DecisionConfig, FbankConfig, OperatingPoint
from engine.errors import ConfigError, ModelError
from engine.manifest import file_sha256, load_manifest
from training.__main__ import main
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.evaluation.material import read_material
from training.export import export_model, export_precision, open_source
from training.model_folder import ModelCard, parity, write_model_folder
from training.precision import HALVES
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
    from small_run import small_task

    train(tmp_path / "run", task=replace(small_task(), activation="sigmoid"), steps=1)
    export_model(tmp_path / "run", tmp_path / "m", name="x", threshold=0.5, smoothing_windows=1)
    assert load_manifest(tmp_path / "m").activation == "sigmoid"


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"cannot read .*last.pt: there is no such file; it must be the checkpoint"
    ):
        export_model(tmp_path, tmp_path / "m", name="x", threshold=0.5, smoothing_windows=1)


DECISION = DecisionConfig(
    smoothing_windows=3,
    operating_points=dict.fromkeys(
        ("high", "low"), OperatingPoint(threshold=0.6, rearm_threshold=0.5)
    ),
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two words, and 110 s of noise for validation."""
    folder = word_folder(tmp_path_factory.mktemp("data"))
    (folder / "_noise_").mkdir()
    soundfile.write(folder / "_noise_" / "hiss.wav", white_noise(110), 16_000)
    with (folder / "validation_list.txt").open("a") as file:
        file.write("\n_noise_/hiss.wav")
    return folder


def written(folder: Path, scale: float = 1.0) -> Path:
    """A model folder; with a scale its hidden numbers, though not its logits, become large."""
    torch.manual_seed(0)
    model = AudioSpectrogramTransformer(AstConfig(n_labels=3, dim=24, depth=2, heads=2)).eval()
    with torch.no_grad():
        model.blocks[0].get_submodule("fc1").get_parameter("weight").mul_(scale)
        model.blocks[0].get_submodule("fc2").get_parameter("weight").mul_(scale)
    card = ModelCard(
        name="m",
        labels=("_silence_", "high", "low"),
        activation="softmax",
        fbank=FbankConfig(),
        decided=DECISION,
        provenance={"data": "tones", "measured": {"was": "float32"}},
    )
    write_model_folder(folder, model, card)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("plain") / "m")


def exported(source: Path, out: Path, precision: str, data: Path | None) -> int:
    with_data = [] if data is None else ["--data", str(data)]
    arguments = ["export", str(source), "--model", str(out), "--precision", precision]
    return main([*arguments, *with_data])


@pytest.mark.parametrize("precision", list(HALVES))
def test_a_precision_that_passes_is_written_with_what_was_found(
    plain: Path, data: Path, tmp_path: Path, precision: str
) -> None:
    source = open_source(plain, name="half", threshold=None, smoothing_windows=None)
    found = export_precision(source, tmp_path / "m", precision, data)
    manifest = load_manifest(tmp_path / "m")
    said = manifest.provenance["precision_parity"]
    assert said["precision"] == precision
    assert said["scored_by"] == "torch"
    assert said["windows"] == found.windows >= 1_000
    assert 0 < said["mean_logit_difference"] < said["largest_logit_difference"] < 0.1
    assert said["data"] == {"folder": data.name, "split": "validation"}
    assert manifest.name == "half"
    assert manifest.decision == DECISION
    assert manifest.provenance["data"] == "tones"
    assert manifest.provenance["exported_from"] == file_sha256(plain / "model.onnx")
    assert "measured" not in manifest.provenance
    assert manifest.model_path.stat().st_size < (plain / "model.onnx").stat().st_size
    again = open_source(tmp_path / "m", name="x", threshold=None, smoothing_windows=None)
    assert "precision_parity" not in again.card.provenance
    torch.testing.assert_close(dict(again.model.state_dict()), dict(source.model.state_dict()))


def test_int8_sets_its_ranges_on_the_train_split(
    plain: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    monkeypatch.setattr(
        "training.export.read_material",
        lambda folder, split: read.append(split) or read_material(folder, split),
    )
    assert exported(plain, tmp_path / "m", "int8", data) == 0
    assert read == ["validation", "train"]
    manifest = load_manifest(tmp_path / "m")
    said = manifest.provenance["precision_parity"]
    assert said["precision"] == "int8"
    assert said["scored_by"] == "ONNX Runtime"
    assert 0 < said["mean_logit_difference"] < 0.1
    assert "parity_max_logit_difference" not in manifest.provenance
    assert b"QuantizeLinear" in manifest.model_path.read_bytes()


def test_int8_is_not_judged_where_its_ranges_come_from(
    plain: Path, data: Path, tmp_path: Path
) -> None:
    source = open_source(plain, name="x", threshold=None, smoothing_windows=None)
    for split in ("train", "all"):
        with pytest.raises(ConfigError, match=f"can't be judged on {split}; take --split"):
            export_precision(source, tmp_path / "m", "int8", data, split)


def test_a_model_that_overflows_is_refused_and_the_next_precision_takes_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "large", scale=1e4)
    out = tmp_path / "out"
    assert exported(source, out, "fp16", data) == 1
    err = capsys.readouterr().err
    assert re.search(
        r"training: fp16 is refused: the logits of window 1 are no finite numbers: something "
        r"overflows\. Take --precision bf16\n",
        err,
    ), err
    assert not out.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"large"}
    assert exported(source, out, "bf16", data) == 0
    assert "note: ONNX Runtime's CPU provider has no bf16" in capsys.readouterr().out
    assert load_manifest(out).provenance["precision_parity"]["precision"] == "bf16"


def test_a_weight_that_the_type_does_not_hold_is_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported(written(tmp_path / "large", scale=1e7), tmp_path / "out", "fp16", data) == 1
    assert capsys.readouterr().err == (
        "training: fp16 is refused: it does not hold the weights of blocks.0.fc1.weight. "
        "Take --precision bf16\n"
    )
    assert not (tmp_path / "out").exists()


def test_a_refused_precision_leaves_the_model_that_was_there(
    plain: Path, data: Path, tmp_path: Path
) -> None:
    out = written(tmp_path / "out")
    before = {path.name: file_sha256(path) for path in out.iterdir()}
    assert exported(written(tmp_path / "large", scale=1e4), out, "fp16", data) == 1
    assert {path.name: file_sha256(path) for path in out.iterdir()} == before


def test_without_real_audio_there_is_no_other_precision(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exported(plain, tmp_path / "m", "fp16", None) == 1
    assert "on real audio before it is written; give --data FOLDER" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_float32_needs_none_and_is_the_same_file(plain: Path, data: Path, tmp_path: Path) -> None:
    assert exported(plain, tmp_path / "m", "fp32", None) == 0
    assert (tmp_path / "m" / "model.onnx").read_bytes() == (plain / "model.onnx").read_bytes()
    assert exported(plain, tmp_path / "m", "fp32", data) == 0
    said = load_manifest(tmp_path / "m").provenance["precision_parity"]
    assert said["scored_by"] == "ONNX Runtime"
    assert said["largest_logit_difference"] < 1e-4
    assert (tmp_path / "m" / "model.onnx").read_bytes() == (plain / "model.onnx").read_bytes()


def test_too_little_audio_is_refused(
    plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = word_folder(tmp_path / "few")
    (few / "_noise_").mkdir()
    soundfile.write(few / "_noise_" / "a.wav", np.ones(16_000) / 9, 16_000)
    with (few / "validation_list.txt").open("a") as file:
        file.write("\n_noise_/a.wav")
    assert exported(plain, tmp_path / "m", "fp16", few) == 1
    assert "takes at least 1000" in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


def test_a_model_folder_keeps_its_own_decision(plain: Path) -> None:
    for given in ({"threshold": 0.7}, {"smoothing_windows": 2}):
        values = {"name": "x", "threshold": None, "smoothing_windows": None} | given
        with pytest.raises(ConfigError, match="keeps its own thresholds and smoothing"):
            open_source(plain, **values)  # type: ignore[arg-type]


def test_a_run_gets_the_usual_decision(run_folder: Path) -> None:
    card = open_source(run_folder, name="x", threshold=None, smoothing_windows=None).card
    assert card.decision().smoothing_windows == 4
    assert card.decision().operating_points["yes"].threshold == 0.9
    chosen = open_source(run_folder, name="x", threshold=0.5, smoothing_windows=1).card
    assert chosen == replace(card, threshold=0.5, smoothing_windows=1)
