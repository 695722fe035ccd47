"""A typed file computes in its type, and in float32 where that is needed."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from engine.errors import ModelError
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.model_folder import export_onnx
from training.precision import (
    HALVES,
    PRECISIONS,
    Cast,
    TorchBackend,
    advice,
    check_typed_file,
    typed,
)

CONFIG = AstConfig(n_labels=4, dim=24, depth=2, heads=2)
TYPES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}
INPUTS = np.random.default_rng(0).normal(0, 0.5, (4, 98, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> AudioSpectrogramTransformer:
    torch.manual_seed(0)
    model = AudioSpectrogramTransformer(CONFIG).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.02 * torch.randn(weight.shape)  # so that no two are the same and merged
    return model


@pytest.fixture(scope="module", params=list(HALVES))
def exported(
    request: pytest.FixtureRequest,
    model: AudioSpectrogramTransformer,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    path = tmp_path_factory.mktemp(request.param) / "model.onnx"
    export_onnx(typed(model, request.param), CONFIG, path, "logits")
    return request.param, path


def nodes_of(path: Path, operator: str) -> list[Any]:
    return [node for node in onnx.load(path).graph.node if node.op_type == operator]


def maker_of(path: Path, tensor: str) -> Any:
    return next(node for node in onnx.load(path).graph.node if tensor in node.output)


def attribute(node: Any, name: str) -> Any:
    return next(onnx.helper.get_attribute_value(a) for a in node.attribute if a.name == name)


def test_input_and_output_are_float32(exported: tuple[str, Path]) -> None:
    graph = onnx.load(exported[1]).graph
    for tensors, name in ((graph.input, "fbank"), (graph.output, "logits")):
        assert [tensor.name for tensor in tensors] == [name]
        assert tensors[0].type.tensor_type.elem_type == TensorProto.FLOAT


def test_weights_have_the_type_but_those_of_the_head(exported: tuple[str, Path]) -> None:
    precision, path = exported
    weights = onnx.load(path).graph.initializer
    floats = {w.name: w.data_type for w in weights if w.data_type != TensorProto.INT64}
    head = {name for name, kind in floats.items() if kind == TensorProto.FLOAT}
    assert len(head) == 4
    assert all(name.startswith(("head.", "head_norm.")) for name in head)
    assert {kind for name, kind in floats.items() if name not in head} == {TYPES[precision]}


def test_there_is_a_cast_at_both_ends_and_none_between(exported: tuple[str, Path]) -> None:
    precision, path = exported
    first, last = nodes_of(path, "Cast")
    assert attribute(first, "to") == TYPES[precision]
    assert attribute(last, "to") == TensorProto.FLOAT
    behind = [node for node in onnx.load(path).graph.node if last.output[0] in node.input]
    assert [node.op_type for node in behind] == ["LayerNormalization"]


def test_layer_norm_is_one_operator_with_sums_in_float32(exported: tuple[str, Path]) -> None:
    norms = nodes_of(exported[1], "LayerNormalization")
    assert len(norms) == 2 * CONFIG.depth + 2
    assert {attribute(norm, "stash_type") for norm in norms} == {TensorProto.FLOAT}


def test_the_query_is_scaled_before_the_product(exported: tuple[str, Path]) -> None:
    path = exported[1]
    softmaxes = nodes_of(path, "Softmax")
    assert len(softmaxes) == CONFIG.depth
    for softmax in softmaxes:
        product = maker_of(path, softmax.input[0])
        assert product.op_type == "MatMul"
        assert maker_of(path, product.input[0]).op_type == "Mul"


def test_the_types_are_those_of_the_standard(exported: tuple[str, Path]) -> None:
    onnx.checker.check_model(onnx.load(exported[1]), full_check=True)


def test_float16_runs_here_and_takes_any_batch(
    model: AudioSpectrogramTransformer, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    export_onnx(typed(model, "fp16"), CONFIG, path, "logits")
    session = onnxruntime.InferenceSession(str(path))
    wanted = TorchBackend(model).infer(INPUTS)
    for n in (1, 4):
        (found,) = session.run(None, {"fbank": INPUTS[:n]})
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted[:n], atol=1e-2)


@pytest.mark.parametrize("precision", list(HALVES))
def test_the_module_rounds_and_leaves_the_model_alone(
    model: AudioSpectrogramTransformer, precision: str
) -> None:
    wanted = TorchBackend(model).infer(INPUTS)
    found = TorchBackend(typed(model, precision)).infer(INPUTS)
    assert 0 < np.abs(found - wanted).max() < 0.1
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert not any(isinstance(module, Cast) for module in model.modules())


def test_a_file_is_what_it_was_made_of(
    exported: tuple[str, Path], model: AudioSpectrogramTransformer
) -> None:
    precision, path = exported
    assert check_typed_file(path, typed(model, precision), INPUTS) < 1e-4


def test_a_file_of_another_model_is_refused(
    exported: tuple[str, Path], model: AudioSpectrogramTransformer
) -> None:
    precision, path = exported
    other = typed(model, precision)
    with torch.no_grad():
        other.blocks[0].get_submodule("fc1").get_parameter("bias")[0] += 1
    with pytest.raises(ModelError, match="the exported graph differs from its module"):
        check_typed_file(path, other, INPUTS)


def test_each_precision_has_a_safer_one_but_float32() -> None:
    for precision, next_one in pairwise(PRECISIONS):
        assert advice(precision) == f"Take --precision {next_one}"
    assert PRECISIONS[-1] == "fp32"
    assert advice("fp32").startswith("Nothing safer is left")
