"""More than one plain graph in one file is refused, whatever runs the model afterwards."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from program import ROOT
from tiny_model import write_onnx

from engine.errors import ModelError
from engine.onnx_wire import require_plain_onnx

MODELS = sorted((ROOT / "assets" / "models").glob("*/*.onnx"))


@pytest.fixture
def model(tmp_path: Path) -> Any:
    write_onnx(tmp_path / "model.onnx")
    return onnx.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_models_that_ship_are_accepted(path: Path) -> None:
    require_plain_onnx(path.read_bytes(), "it")


def tensor(model: Any) -> Any:
    return next(item for item in model.graph.initializer if item.name == "matrix")


def outside(model: Any) -> None:
    item = tensor(model)
    item.ClearField("raw_data")
    item.data_location = TensorProto.EXTERNAL
    item.external_data.add(key="location", value="weights.bin")


def located_outside(model: Any) -> None:
    tensor(model).data_location = TensorProto.EXTERNAL


def in_a_constant(model: Any) -> None:
    outside(model)
    value = model.graph.initializer[1]
    model.graph.node.insert(0, helper.make_node("Constant", [], ["c"], value=value))
    del model.graph.initializer[1]


def dims(*sizes: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        tensor(model).dims[:] = sizes

    return change


def custom(model: Any) -> None:
    model.graph.node[1].domain = "com.microsoft"


def graph_in_a_node(model: Any) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["n", "go"], ["x"], body=body))


def graphs_in_a_node(model: Any) -> None:
    graphs = [helper.make_graph([], "body", [], [])]
    node = helper.make_node("Own", [], ["x"])
    node.attribute.append(helper.make_attribute("graphs", graphs))
    model.graph.node.append(node)


def function(model: Any) -> None:
    opset = helper.make_opsetid("", 18)
    model.functions.append(helper.make_function("own", "F", [], [], [], [opset]))


def training(model: Any) -> None:
    model.training_info.add()


def sparse(model: Any) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "s")
    indices = numpy_helper.from_array(np.zeros(1, np.int64))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4]))


def sparse_constant(model: Any) -> None:
    sparse(model)
    value = model.graph.sparse_initializer[0]
    model.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=value))
    del model.graph.sparse_initializer[:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (outside, "it keeps a tensor in another file; export it in one piece"),
        (located_outside, "keeps a tensor in another file"),
        (in_a_constant, "keeps a tensor in another file"),
        (dims(50_000, 50_000), "states a tensor of 50000 x 50000 numbers, more than it can hold"),
        (dims(2**40, 2**40), "more than it can hold"),
        (dims(-4, 128), "more than it can hold"),
        (dims(*[1] * 65), "states a tensor of 1 x 1 x"),
        (custom, "uses operators of 'com.microsoft'; only ONNX's own"),
        (graph_in_a_node, "holds a graph in a node 'Loop'"),
        (graphs_in_a_node, "holds a graph in a node 'Own'"),
        (function, "holds functions; export it as one graph"),
        (training, "holds a training graph"),
        (sparse, "holds sparse tensors"),
        (sparse_constant, "holds sparse tensors"),
    ],
)
def test_more_than_a_plain_graph_is_refused(
    model: Any, change: Callable[[Any], None], message: str
) -> None:
    require_plain_onnx(model.SerializeToString(), "it")
    change(model)
    with pytest.raises(ModelError, match=message):
        require_plain_onnx(model.SerializeToString(), "it")


def test_dims_that_are_packed_are_seen(model: Any) -> None:
    # ONNX's own writer does not pack them; every reader takes both.
    packed = b"\x0a\x05" + b"\x80\x80\x80\x80\x08"  # field 1, 5 bytes: 2^31
    graph = b"\x2a" + bytes([len(packed)]) + packed  # field 5 of a graph
    content = b"\x3a" + bytes([len(graph)]) + graph  # field 7 of a model
    onnx_model = onnx.load_model_from_string(content)
    assert list(onnx_model.graph.initializer[0].dims) == [2**31]
    with pytest.raises(ModelError, match="more than it can hold"):
        require_plain_onnx(content, "it")


def test_a_second_graph_would_be_merged_into_the_first(model: Any) -> None:
    # Readers of protobuf put two of them together, so a guard that sees one is no guard.
    with pytest.raises(ModelError, match="it has 2 graphs"):
        require_plain_onnx(model.SerializeToString() * 2, "it")


def test_cut_and_altered_files_end_in_one_error(model: Any) -> None:
    content = model.SerializeToString()
    for n in range(0, len(content), 37):
        with pytest.raises(ModelError, match=r"it is not a valid model: .*; export it anew|^it "):
            require_plain_onnx(content[:n], "it")
    rng = np.random.default_rng(1)
    for _ in range(300):
        changed = bytearray(content)
        for at in rng.integers(0, len(content), 4):
            changed[at] = rng.integers(256)
        with suppress(ModelError):  # and no other error
            require_plain_onnx(bytes(changed), "it")


@pytest.mark.parametrize("content", [b"\x3b", b"\x00\x00", b"\xff" * 11, b"\x38\x01", b"\x3a"])
def test_what_is_no_protobuf(content: bytes) -> None:
    with pytest.raises(ModelError, match="is not a valid model"):
        require_plain_onnx(content, "it")
