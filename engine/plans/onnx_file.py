"""Looks at an ONNX file before native code parses it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BackendError, ModelError
from engine.manifest import MAX_MODEL_BYTES, ModelManifest


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
        ModelError: The file is a link, too large, altered, malformed, or keeps data in others.
        BackendError: The package that checks it is not installed.
    """
    try:
        import onnx
    except ImportError as err:
        raise BackendError("onnx is not installed; pip install '.[tensorrt]'") from err
    path = manifest.model_path
    content = _read(path, manifest.model_sha256)
    try:
        model: Any = onnx.load_model_from_string(content)
        outside = [item.name for item in model.graph.initializer if item.data_location]
        if outside:
            raise ModelError(f"{path} keeps {outside[0]} in another file; export it in one piece")
        onnx.checker.check_model(model, full_check=True)
    except ModelError:
        raise
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


def _read(path: Path, sha256: str) -> bytes:
    """The bytes that have the hash: what is checked is what is parsed."""
    import hashlib

    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_MODEL_BYTES:
                raise ModelError(f"{path} must be a file of at most {MAX_MODEL_BYTES >> 20} MiB")
            content = file.read()
    except OSError as err:
        raise ModelError(f"{path} cannot be read: {err.strerror}; links are not followed") from err
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{path} was altered: its SHA-256 is not the one in the manifest")
    return content


def _precision(model: Any) -> str:
    from onnx import TensorProto

    if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
        return "int8"
    types = {weight.data_type for weight in model.graph.initializer}
    if TensorProto.BFLOAT16 in types:
        return "bf16"
    return "fp16" if TensorProto.FLOAT16 in types else "fp32"
