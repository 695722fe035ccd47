"""int8 stands in the file: around the products of the blocks, and nowhere else."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from clips import clip, word_samples
from onnx import TensorProto, numpy_helper
from signals import white_noise
from tiny_model import make_model_folder

from engine.errors import ConfigError
from engine.manifest import load_manifest
from training import quantize as module
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.evaluation.material import Material
from training.evaluation.streams import Stream
from training.gate import real_streams
from training.model_folder import export_onnx
from training.quantize import block_products, calibration_windows, quantize

DEPTH = 2
INPUTS = np.random.default_rng(0).normal(0, 0.5, (40, 98, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    torch.manual_seed(0)
    config = AstConfig(n_labels=4, dim=24, depth=DEPTH, heads=2)
    model = AudioSpectrogramTransformer(config).eval()
    folder = tmp_path_factory.mktemp("int8")
    export_onnx(model, config, folder / "float.onnx", "logits")
    quantize(folder / "float.onnx", folder / "model.onnx", INPUTS)
    return folder / "float.onnx", folder / "model.onnx"


def graph_of(path: Path) -> Any:
    return onnx.load(path).graph


def makers(graph: Any) -> dict[str, Any]:
    return {name: node for node in graph.node for name in node.output}


def test_both_sides_of_each_product_of_a_block_are_int8(files: tuple[Path, Path]) -> None:
    graph = graph_of(files[1])
    made_by, kinds = makers(graph), {w.name: w.data_type for w in graph.initializer}
    names = block_products(files[0])
    assert len(names) == 4 * DEPTH
    for product in (node for node in graph.node if node.name in names):
        activation, weight = (made_by[name] for name in product.input)
        assert activation.op_type == weight.op_type == "DequantizeLinear"
        assert made_by[activation.input[0]].op_type == "QuantizeLinear"
        assert kinds[weight.input[0]] == TensorProto.INT8


def test_the_rest_is_float32(files: tuple[Path, Path]) -> None:
    graph = graph_of(files[1])
    made_by = makers(graph)
    names = block_products(files[0])
    for node in graph.node:
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") or node.name in names:
            continue
        inputs = [made_by[name].op_type for name in node.input if name in made_by]
        assert "DequantizeLinear" not in inputs, node.name
    first = next(node for node in graph.node if node.op_type == "MatMul")
    assert first.name not in names  # the patch projection
    assert graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    assert graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_scales_are_symmetric_and_weights_have_one_for_each_output(
    files: tuple[Path, Path],
) -> None:
    graph = graph_of(files[1])
    values = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
    pairs = [node for node in graph.node if node.op_type == "DequantizeLinear"]
    assert all((values[node.input[2]] == 0).all() for node in pairs)
    weights = [node for node in pairs if node.input[0] in values]
    assert len(weights) == 4 * DEPTH
    for node in weights:
        assert values[node.input[1]].shape == values[node.input[0]].shape[1:]


def test_it_runs_and_stays_near(files: tuple[Path, Path]) -> None:
    wanted, found = (
        onnxruntime.InferenceSession(str(path)).run(None, {"fbank": INPUTS[:5]})[0]
        for path in files
    )
    assert 0 < np.abs(found - wanted).max() < 0.1
    onnx.checker.check_model(onnx.load(files[1]), full_check=True)


def test_the_root_logger_is_left_as_it_was(
    files: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = logging.root.manager.disable
    quantize(files[0], tmp_path / "again.onnx", INPUTS[:2])
    assert logging.root.manager.disable == before
    assert "pre-processing" not in capsys.readouterr().err


def test_windows_are_spread_over_what_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WINDOWS", 120)
    manifest = load_manifest(make_model_folder(tmp_path / "m"))
    clips = [clip("word", word_samples(700), word="low"), clip("noise", white_noise(30))]
    material = Material(clips=clips, origin={"split": "train"})
    windows = calibration_windows(manifest, real_streams(material, ["low"]))
    assert 100 <= len(windows) <= 200
    assert windows.shape[1:] == (98, 128)
    assert len(np.unique(windows.mean(axis=(1, 2)))) == len(windows)


def test_too_few_are_refused(tmp_path: Path) -> None:
    manifest = load_manifest(make_model_folder(tmp_path / "m"))
    short = Stream(name="noise", kind="noise", samples=white_noise(5))
    with pytest.raises(ConfigError, match=r"the train split gives 41 windows .* at least 100"):
        calibration_windows(manifest, [short])
