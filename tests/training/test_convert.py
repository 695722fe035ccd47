"""A published checkpoint becomes a model folder that the application runs."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kaldi import make_importable
from program import json_lines, run
from published import save_original, transformers_model
from signals import RATE_HZ

from engine.backends.onnxruntime import CpuBackend
from engine.errors import ConfigError, ModelError
from engine.features import fbank, model_input
from engine.manifest import load_manifest
from training.__main__ import main
from training.convert import ConvertOptions, convert


@pytest.fixture(scope="module")
def reference() -> torch.nn.Module:
    return transformers_model(64, 1, depth=2)


@pytest.fixture(scope="module")
def hub_folder(reference: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as the hub has it, with its extractor's file."""
    make_importable()
    from transformers import ASTFeatureExtractor

    folder = tmp_path_factory.mktemp("hub")
    reference.save_pretrained(folder)
    ASTFeatureExtractor(max_length=128, mean=-6.845978, std=5.5654526).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def converted(reference: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    save_original(folder / "speechcommands.pth", reference)
    status = main(["convert", str(folder / "speechcommands.pth"), "--model", str(folder / "m")])
    assert status == 0
    return folder / "m"


def test_the_35_label_checkpoint_is_a_sigmoid_model_with_its_own_constants(
    converted: Path,
) -> None:
    manifest = load_manifest(converted)
    assert manifest.labels[:3] == ("backward", "follow", "five")
    assert manifest.labels[-1] == "one"
    assert manifest.activation == "sigmoid"
    assert (manifest.fbank.mean, manifest.fbank.std) == (-6.845978, 5.5654526)
    assert manifest.fbank.target_frames == 128
    assert manifest.windows.window_samples == RATE_HZ
    assert sorted(manifest.files) == ["model.onnx", "model.safetensors"]
    silence = model_input(fbank(np.zeros(RATE_HZ, np.float32), manifest.fbank), manifest.fbank)
    np.testing.assert_allclose(silence[98:], 0.615, atol=1e-3)  # log-mel 0, loud once normalised


def test_it_runs(converted: Path, demo_path: Path) -> None:
    done = run("--headless", "--json", "--model", converted, "--input", demo_path)
    assert done.returncode == 0, done.stderr
    events = json_lines(done.stdout)
    assert events[0]["event"] == "start"
    assert len(events[0]["keywords"]) == 35
    assert events[-1]["windows"] > 100


def test_samples_to_logits_are_those_of_transformers(
    hub_folder: Path, reference: torch.nn.Module, tmp_path: Path
) -> None:
    make_importable()
    from transformers import ASTFeatureExtractor

    convert(hub_folder, tmp_path / "m", ConvertOptions())
    manifest = load_manifest(tmp_path / "m")
    extractor = ASTFeatureExtractor.from_pretrained(hub_folder)
    rng = np.random.default_rng(3)
    for level in (0.3, 0.001):
        samples = (level * rng.standard_normal(RATE_HZ)).astype(np.float32)
        theirs = extractor(samples, sampling_rate=RATE_HZ, return_tensors="pt").input_values
        ours = model_input(fbank(samples, manifest.fbank), manifest.fbank)
        # Single frames of the FFTs differ where a mel bin is next to empty.
        np.testing.assert_allclose(ours, theirs[0].numpy(), atol=2e-3)
        assert np.abs(ours - theirs[0].numpy()).mean() < 1e-5
        with CpuBackend(manifest) as backend, torch.no_grad():
            logits = backend.infer(ours[None])[0]
            np.testing.assert_allclose(logits, reference(theirs).logits[0].numpy(), atol=1e-4)


def test_config_and_extractor_files_are_believed(hub_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "hub"
    shutil.copytree(hub_folder, source)
    config = json.loads((source / "config.json").read_text())
    config["id2label"] = {str(i): f"word {i}" for i in range(35)}
    (source / "config.json").write_text(json.dumps(config))
    extractor = json.loads((source / "preprocessor_config.json").read_text())
    (source / "preprocessor_config.json").write_text(json.dumps(extractor | {"mean": -4.0}))
    card, difference = convert(source, tmp_path / "m", ConvertOptions(threshold=0.7))
    assert difference < 1e-4
    assert card.labels[34] == "word 34"
    assert card.fbank.mean == -4.0
    assert card.provenance["architecture"]["norm_eps"] == 1e-12
    assert load_manifest(tmp_path / "m").decision.operating_points["word 3"].threshold == 0.7
    (source / "preprocessor_config.json").write_text(
        json.dumps(extractor | {"do_normalize": False})
    )
    card, _ = convert(source, tmp_path / "m", ConvertOptions())
    assert card.fbank.mean == 0.0
    assert card.fbank.std * card.fbank.std_factor == 1.0


def test_audioset_and_esc50(tmp_path: Path) -> None:
    for labels, frames, activation, window_s in (
        (527, 1024, "sigmoid", 10.0),
        (50, 512, "softmax", 5.0),
    ):
        model = transformers_model(64, 1, depth=1, labels=labels, frames=frames, stride=16)
        path = save_original(tmp_path / f"{labels}.pth", model)
        with pytest.raises(ConfigError, match=f"{labels} labels and does not name them; give --l"):
            convert(path, tmp_path / "m", ConvertOptions())
        table = tmp_path / "labels.csv"
        rows = [f"{i},/m/{i},sound {i}" for i in range(labels)]
        table.write_text("\n".join(["index,mid,display_name", *rows]))
        card, _ = convert(path, tmp_path / "m", ConvertOptions(labels=table))
        assert card.activation == activation
        assert card.windows.window_samples == window_s * RATE_HZ
        assert card.fbank.target_frames == frames


def test_own_data_names_its_constants(tmp_path: Path) -> None:
    path = save_original(tmp_path / "own.pth", transformers_model(64, 1, depth=1, labels=3))
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,a,a\n1,b,b\n2,c,c\n")
    options = {"labels": table, "n_frames": 128}
    with pytest.raises(ConfigError, match="does not say its feature mean; give --mean"):
        convert(path, tmp_path / "m", ConvertOptions(**options))
    options |= {"mean": -5.0, "std": 4.0}
    card, _ = convert(path, tmp_path / "m", ConvertOptions(**options, window_s=0.8))
    assert card.windows.window_samples == 12_800
    with pytest.raises(ConfigError, match=r"--window-s is 2; the model takes 1.30 s at most"):
        convert(path, tmp_path / "m", ConvertOptions(**options, window_s=2.0))


def test_labels_that_do_not_fit(hub_folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("index,mid,display_name\n0,a,yes\n1,b,no\n")
    with pytest.raises(ConfigError, match="2 labels are named; the checkpoint has 35"):
        convert(hub_folder, tmp_path / "m", ConvertOptions(labels=table))
    source = tmp_path / "hub"
    shutil.copytree(hub_folder, source)
    config = json.loads((source / "config.json").read_text())
    for bad, message in (({"0": "a", "x": "b"}, "number them"), ({"0": ""}, "empty or repeat")):
        (source / "config.json").write_text(json.dumps(config | {"id2label": bad}))
        with pytest.raises(ModelError, match=message):
            convert(source, tmp_path / "m", ConvertOptions())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_frames": 0}, "--frames is 0; it must be above 0"),
        ({"heads": -1}, "--heads is -1"),
        ({"strides": (10, 0)}, "--strides is 0"),
        ({"norm_eps": float("nan")}, "--norm-eps is nan"),
        ({"window_s": -1.0}, "--window-s is -1.0"),
    ],
)
def test_numbers_that_no_model_has(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ConvertOptions(**options)


def test_a_threshold_is_refused_before_anything_is_exported(
    hub_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="threshold is 2"):
        convert(hub_folder, tmp_path / "m", ConvertOptions(threshold=2))
    assert list(tmp_path.iterdir()) == []


def test_weights_of_ours_know_their_shape(hub_folder: Path, tmp_path: Path) -> None:
    convert(hub_folder, tmp_path / "m", ConvertOptions())
    weights = tmp_path / "m" / "model.safetensors"
    with pytest.raises(ModelError, match=r"states its own shape; leave out head_norm_eps, heads"):
        convert(weights, tmp_path / "n", ConvertOptions(heads=7, norm_eps=1e-6))


def test_labels_that_transformers_made_up_are_the_official_ones(
    hub_folder: Path, tmp_path: Path
) -> None:
    config = json.loads((hub_folder / "config.json").read_text())
    assert config["id2label"]["12"] == "LABEL_12"
    card, _ = convert(hub_folder, tmp_path / "m", ConvertOptions())
    assert card.labels[12] == "seven"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sampling_rate", "16000", "gives sampling_rate as '16000'; it must be a number"),
        ("sampling_rate", 16000.5, "gives sampling_rate as '16000.5'"),
        ("padding_value", [0], r"gives padding_value as '\[0\]'"),
        ("mean", 10**400, "gives mean as '1000"),
        ("std", True, "gives std as 'True'"),
    ],
)
def test_extractor_files_hold_numbers(
    hub_folder: Path, tmp_path: Path, name: str, value: object, message: str
) -> None:
    source = tmp_path / "hub"
    shutil.copytree(hub_folder, source)
    extractor = json.loads((source / "preprocessor_config.json").read_text())
    (source / "preprocessor_config.json").write_text(json.dumps(extractor | {name: value}))
    with pytest.raises(ModelError, match=message):
        convert(source, tmp_path / "m", ConvertOptions())


def test_files_that_are_damaged(hub_folder: Path, tmp_path: Path) -> None:
    source = tmp_path / "hub"
    shutil.copytree(hub_folder, source)
    for text, message in (
        ("{", "cannot read .*config.json"),
        ("[]", "must hold an object"),
        ('{"hidden_act": "relu"}', "hidden_act 'relu'; AST has 'gelu'"),
        ('{"max_length": "128"}', "gives n_frames as '128'; it must be a number"),
        ('{"num_attention_heads": 5}', "must be a multiple of 5 heads"),
    ):
        (source / "config.json").write_text(text)
        with pytest.raises(ModelError, match=message):
            convert(source, tmp_path / "m", ConvertOptions())
    with pytest.raises(ModelError, match=r"holds neither model.safetensors nor pyt"):
        convert(tmp_path, tmp_path / "m", ConvertOptions())
    assert not (tmp_path / "m").exists()


def test_a_folder_with_other_things_is_not_written_over(hub_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty and no model folder"):
        convert(hub_folder, tmp_path / "thesis", ConvertOptions())
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


def test_a_model_folder_needs_no_conversion(default_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a model folder already"):
        convert(default_folder, tmp_path / "m", ConvertOptions())


def test_bad_input_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", str(tmp_path / "none.pth"), "--model", str(tmp_path / "m")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("training: cannot read ")
    assert error.count("\n") == 1


def test_a_folder_of_the_hub_runs_nothing_and_waits_for_nothing(
    hub_folder: Path, tmp_path: Path
) -> None:
    """transformers can be told to run code of a folder; nobody here tells it."""
    folder = tmp_path / "hub"
    shutil.copytree(hub_folder, folder)
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["auto_map"] = {"AutoModelForAudioClassification": "modeling_evil.Evil"}
    path.write_text(json.dumps(config))
    (folder / "modeling_evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (folder / "pytorch_model.bin").write_bytes(b"not needed beside safetensors")
    convert(folder, tmp_path / "m", ConvertOptions())
    assert not (tmp_path / "ran").exists()
    for content, why in ((" " * (5 << 20), "larger than"), ("[" * 9_999, "recursion"), (None, "")):
        path.unlink()
        if content is None:
            os.mkfifo(path)
        else:
            path.write_text(content)
        with pytest.raises(ModelError, match=rf"cannot read .*config.json: .*{why}.*fetch"):
            convert(folder, tmp_path / "m2", ConvertOptions())
    assert not (tmp_path / "m2").exists()


def test_a_payload_in_a_hub_folder_is_refused_and_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "hub"
    folder.mkdir()
    payload = b"cos\nsystem\n(S'touch %s'\ntR." % str(tmp_path / "ran").encode()
    (folder / "pytorch_model.bin").write_bytes(payload)
    assert main(["convert", str(folder), "--model", str(tmp_path / "m")]) == 1
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "m").exists()
