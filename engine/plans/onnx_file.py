"""An ONNX file as a plan is built of it: checked by the onnx package, with its precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.errors import BackendError, ModelError
from engine.manifest import ModelManifest
from engine.model_file import read_model_file


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """A checked model.

    Attributes:
        content: The file, as it was hashed.
        precision: What it computes in: "fp32", "fp16", "bf16" or "int8".
        wide: The same with float32 in place of half precision, which ONNX Runtime runs anywhere.
    """

    content: bytes
    precision: str
    wide: bytes


def read_onnx(manifest: ModelManifest) -> OnnxFile:
    """Read a model folder's ONNX file.

    Args:
        manifest: Names the file and its SHA-256.

    Raises:
        ModelError: The file is a link, too large, altered, malformed, or more than a plain model.
        BackendError: The package that checks it is not installed.
    """
    try:
        import onnx
    except ImportError as err:
        raise BackendError("onnx is not installed; pip install '.[tensorrt]'") from err
    path = manifest.model_path
    content = read_model_file(manifest)
    try:
        model: Any = onnx.load_model_from_string(content)
        onnx.checker.check_model(model, full_check=True)
    except Exception as err:  # protobuf and the checker raise many kinds
        raise ModelError(f"{path} is not a valid model: {str(err)[:300]}") from err
    precision = _precision(model)
    wide = widened(model).SerializeToString() if precision in ("fp16", "bf16") else content
    return OnnxFile(content=content, precision=precision, wide=wide)


def widened(model: Any) -> Any:
    """An ONNX model with float32 in place of half precision; changes the model that it is given."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    halves = (TensorProto.FLOAT16, TensorProto.BFLOAT16)
    for weight in model.graph.initializer:
        if weight.data_type in halves:
            values = numpy_helper.to_array(weight).astype(np.float32)
            weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    for node in model.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i in halves:
                attribute.i = TensorProto.FLOAT
    del model.graph.value_info[:]
    return model


def _precision(model: Any) -> str:
    from onnx import TensorProto

    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        return "int8"
    types = {weight.data_type for weight in model.graph.initializer}
    if TensorProto.BFLOAT16 in types:
        return "bf16"
    return "fp16" if TensorProto.FLOAT16 in types else "fp32"
