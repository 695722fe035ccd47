"""Looks at the bytes of an ONNX file, without the onnx package and before native code does.

A model that this program runs is one graph in one file, made of ONNX's own operators. ONNX can do
more: keep weights in other files, which no hash covers; call operators that a library brings along;
hold graphs in nodes and functions, whose loops need not end; state tensors that it has no data for.
None of that is needed, so all of it is refused. Field numbers: onnx/onnx.proto; how they are
written: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from engine.errors import ModelError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_OWN_DOMAINS = (b"", b"ai.onnx")
_MAX_PER_BYTE = 4  # numbers of two bits, the smallest that ONNX has
_MAX_RANK = 64

_MODEL_GRAPH, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 20, 25
_GRAPH_NODE, _GRAPH_TENSOR, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE = (5, 10), (6, 11), (22, 23)
_TENSOR_DIMS, _TENSOR_OUTSIDE, _TENSOR_LOCATION = 1, 13, 14


def require_plain_onnx(content: bytes, where: str) -> None:
    """Refuse what an ONNX file may hold and a model of ours does not.

    Args:
        content: The file.
        where: For messages.

    Raises:
        ModelError: It keeps data elsewhere, holds foreign operators, functions or graphs in nodes,
            states tensors larger than itself, or is no ONNX at all.
    """
    try:
        _look_at_model(memoryview(content), len(content))
    except _RefusedError as err:
        raise ModelError(f"{where} {err}") from err
    except (ValueError, IndexError) as err:
        raise ModelError(f"{where} is not a valid model: {err}; export it anew") from err


class _RefusedError(Exception):
    """Says what is wrong, to go after the name of the file."""


def _look_at_model(model: memoryview, n_bytes: int) -> None:
    graphs = 0
    for number, value in _fields(model):
        if number in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
            what = "functions" if number == _MODEL_FUNCTIONS else "a training graph"
            raise _RefusedError(f"holds {what}; export it as one graph of ONNX's own operators")
        if number == _MODEL_GRAPH:
            graphs += 1
            _look_at_graph(_bytes(value), n_bytes)
    if graphs != 1:
        raise ValueError(f"it has {graphs} graphs")


def _look_at_graph(graph: memoryview, n_bytes: int) -> None:
    for number, value in _fields(graph):
        if number == _GRAPH_NODE:
            _look_at_node(_bytes(value), n_bytes)
        elif number == _GRAPH_TENSOR:
            _look_at_tensor(_bytes(value), n_bytes)
        elif number == _GRAPH_SPARSE:
            raise _RefusedError("holds sparse tensors; export it with dense ones")


def _look_at_node(node: memoryview, n_bytes: int) -> None:
    operator = ""
    for number, value in _fields(node):
        if number == _NODE_OPERATOR:
            operator = _text(value)
        elif number == _NODE_DOMAIN and bytes(_bytes(value)) not in _OWN_DOMAINS:
            raise _RefusedError(
                f"uses operators of {_text(value)!r}; only ONNX's own ones are accepted"
            )
        elif number == _NODE_ATTRIBUTE:
            _look_at_attribute(_bytes(value), n_bytes, operator)


def _look_at_attribute(attribute: memoryview, n_bytes: int, operator: str) -> None:
    for number, value in _fields(attribute):
        if number in _ATTRIBUTE_GRAPHS:
            raise _RefusedError(f"holds a graph in a node {operator!r}; export it without branches")
        if number in _ATTRIBUTE_SPARSE:
            raise _RefusedError("holds sparse tensors; export it with dense ones")
        if number in _ATTRIBUTE_TENSORS:
            _look_at_tensor(_bytes(value), n_bytes)


def _look_at_tensor(tensor: memoryview, n_bytes: int) -> None:
    dims: list[int] = []
    for number, value in _fields(tensor):
        if number == _TENSOR_OUTSIDE or (number == _TENSOR_LOCATION and value):
            raise _RefusedError("keeps a tensor in another file; export it in one piece")
        if number == _TENSOR_DIMS:
            dims += [value] if isinstance(value, int) else _packed(value)
    if len(dims) > _MAX_RANK or prod(dims) > _MAX_PER_BYTE * n_bytes:
        raise _RefusedError(
            f"states a tensor of {' x '.join(map(str, dims[:8]))} numbers, more than it can hold"
        )


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Numbers and values of a message's fields; a number or bytes each."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if number == 0:
            raise ValueError("a field has no number")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            length, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"a field is of kind {kind}")
        if length > len(data) - at:
            raise ValueError("it is cut short")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("it is cut short")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        shift += 7
        if byte < 0x80:
            return value, at


def _packed(data: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = _varint(data, at)
        values.append(value)
    return values


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a field is of another kind")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)[:64]).decode(errors="replace")
