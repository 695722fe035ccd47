"""Multiply-adds of one window, counted from the ONNX graph by the shapes that really pass."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.memory_limit import bounded_memory
from engine.onnx_wire import require_plain_onnx

# Products of which every output element takes as many multiply-adds as one axis is long.
_PRODUCTS = ("MatMul", "Gemm", "Conv")
# Others that multiply and add, and that this program's export does not make.
_NOT_COUNTED = (
    *("Einsum", "ConvTranspose", "Attention", "MultiHeadAttention", "LSTM", "GRU", "RNN"),
    *("MatMulInteger", "QLinearMatMul", "ConvInteger", "QLinearConv"),
)


@dataclass(frozen=True, kw_only=True)
class MultiplyAdds:
    """What a window costs.

    Attributes:
        products: Of matrix products and convolutions; attention included.
        not_counted: Operators in the graph that are products, too, but of a kind not counted.
    """

    products: int
    not_counted: tuple[str, ...]


def count_multiply_adds(path: Path) -> MultiplyAdds:
    """Run one window through the graph and count.

    Element-wise work (activations, norms, softmax) is not counted, as usual.

    Args:
        path: ONNX file with one input [batch, ...].

    Raises:
        ModelError: It is more than a plain model.
    """
    import onnx
    import onnxruntime

    content = path.read_bytes()
    require_plain_onnx(content, str(path))  # nothing else is opened for it
    model = onnx.load_model_from_string(content)
    nodes = [node for node in model.graph.node if node.op_type in _PRODUCTS]
    weights = {item.name: tuple(item.dims) for item in model.graph.initializer}
    wanted = {name for node in nodes for name in (*node.input[:2], *node.output)} - set(weights)
    fed = {item.name for item in model.graph.input}
    known = {item.name for item in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted - fed - known)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    with bounded_memory(len(content)):
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        (graph_input,) = session.get_inputs()
        window = np.zeros((1, *graph_input.shape[1:]), np.float32)
        names = sorted(wanted - fed)
        arrays = session.run(names, {graph_input.name: window}) if names else []
    passed = {name: array.shape for name, array in zip(names, arrays, strict=True)}
    shapes = {**weights, graph_input.name: window.shape, **passed}
    kinds = {node.op_type for node in model.graph.node}
    return MultiplyAdds(
        products=sum(_of_node(node, shapes) for node in nodes),
        not_counted=tuple(sorted(kinds & set(_NOT_COUNTED))),
    )


def _of_node(node: Any, shapes: Mapping[str, tuple[int, ...]]) -> int:
    out = math.prod(shapes[node.output[0]])
    if node.op_type == "Conv":
        return out * math.prod(shapes[node.input[1]][1:])
    first = shapes[node.input[0]]
    transposed = any(item.name == "transA" and item.i for item in node.attribute)
    return out * (first[0] if transposed else first[-1])
