"""Multiply-adds are counted as one would by hand."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from card_world import World
from onnx import TensorProto, helper, numpy_helper
from tiny_model import write_onnx

from engine.errors import ModelError
from training.ast import AstConfig
from training.card.macs import count_multiply_adds


def graph(
    path: Path, nodes: list[onnx.NodeProto], shape: list[object], **weights: list[int]
) -> Path:
    tensors = [
        numpy_helper.from_array(np.ones(size, np.float32), name) for name, size in weights.items()
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        tensors,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("kind", "options", "shape", "weight", "wanted"),
    [
        ("MatMul", {}, ["batch", 7, 5], [5, 3], 7 * 5 * 3),
        ("Gemm", {}, ["batch", 5], [5, 3], 5 * 3),
        ("Gemm", {"transB": 1}, ["batch", 5], [3, 5], 5 * 3),
        ("Gemm", {"transA": 1}, ["batch", 5], [1, 3], 5 * 3),
        ("Conv", {"strides": [2, 2]}, ["batch", 2, 9, 9], [4, 2, 3, 3], 4 * 4 * 4 * 2 * 9),
        ("Conv", {"group": 2}, ["batch", 2, 9, 9], [4, 1, 3, 3], 4 * 7 * 7 * 9),
    ],
)
def test_products(
    tmp_path: Path, kind: str, options: dict, shape: list, weight: list, wanted: int
) -> None:
    node = helper.make_node(kind, ["x", "w"], ["y"], **options)
    assert count_multiply_adds(graph(tmp_path / "m.onnx", [node], shape, w=weight)).products == (
        wanted
    )


def test_products_of_two_things_that_pass(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["x", "t"], ["p"]),
        helper.make_node("Softmax", ["p"], ["y"]),
    ]
    found = count_multiply_adds(graph(tmp_path / "m.onnx", nodes, ["batch", 6, 5]))
    assert found.products == 6 * 6 * 5
    assert found.not_counted == ()


def test_products_of_other_kinds_are_named(tmp_path: Path) -> None:
    node = helper.make_node("Einsum", ["x", "w"], ["y"], equation="bij,jk->bik")
    found = count_multiply_adds(graph(tmp_path / "m.onnx", [node], ["batch", 6, 5], w=[5, 3]))
    assert (found.products, found.not_counted) == (0, ("Einsum",))


def test_a_transformer_as_its_shape_tells(world: World) -> None:
    cost = world.records.cost
    assert cost
    shape = AstConfig(n_labels=4, dim=24, depth=1, heads=2)
    patches = shape.grid[0] * shape.grid[1]
    tokens = patches + 1
    embedding = patches * shape.patch_mels * shape.patch_frames * shape.dim
    layers = 12 * shape.dim**2 * tokens + 2 * tokens**2 * shape.dim
    assert cost.multiply_adds.products == embedding + layers + shape.dim * 4


def test_more_than_a_plain_model_is_refused(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    weight = model.graph.initializer[1]
    (tmp_path / "weights.bin").write_bytes(weight.raw_data)
    weight.ClearField("raw_data")
    weight.data_location = onnx.TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="keeps a tensor in another file"):
        count_multiply_adds(tmp_path / "model.onnx")
