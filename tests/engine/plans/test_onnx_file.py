"""An ONNX file is looked at before native code parses it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.errors import ModelError
from engine.manifest import ModelManifest, file_sha256, load_manifest
from engine.plans.onnx_file import read_onnx

TYPES = {"fp16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


@pytest.fixture
def manifest(own_tiny_folder: Path) -> ModelManifest:
    return load_manifest(own_tiny_folder)


def signed(manifest: ModelManifest) -> ModelManifest:
    """The manifest of what its ONNX file is now."""
    return replace(manifest, files={"model.onnx": file_sha256(manifest.model_path)})


def test_the_file_as_it_was_hashed(manifest: ModelManifest) -> None:
    read = read_onnx(manifest)
    assert read.content == manifest.model_path.read_bytes() == read.wide
    assert read.precision == "fp32"


def half_model(path: Path, kind: int) -> None:
    """logits = float(half(fbank) @ half weights)."""
    weight = numpy_helper.from_array(np.eye(128, 4, dtype=np.float32), "w")
    half = helper.make_tensor("w", kind, [128, 4], numpy_helper.to_array(weight).flatten())
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["fbank"], ["mean"], keepdims=0, axes=[1]),
            helper.make_node("Cast", ["mean"], ["x"], to=kind),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
            helper.make_node("Cast", ["y"], ["logits"], to=TensorProto.FLOAT),
        ],
        "half",
        [helper.make_tensor_value_info("fbank", TensorProto.FLOAT, ["batch", 98, 128])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 4])],
        [half],
    )
    opset = helper.make_opsetid("", 13)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_is_recognised_and_widened(manifest: ModelManifest, precision: str) -> None:
    half_model(manifest.model_path, TYPES[precision])
    read = read_onnx(signed(manifest))
    assert read.precision == precision
    session = onnxruntime.InferenceSession(read.wide, providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {"fbank": np.ones((2, 98, 128), np.float32)})
    np.testing.assert_array_equal(logits, np.ones((2, 4)))


def test_int8_is_recognised(manifest: ModelManifest) -> None:
    model = onnx.load(manifest.model_path)
    scale = numpy_helper.from_array(np.float32(0.1), "scale")
    model.graph.initializer.append(scale)
    name = model.graph.input[0].name
    model.graph.node.insert(0, helper.make_node("QuantizeLinear", [name, "scale"], ["quantized"]))
    onnx.save(model, manifest.model_path)
    assert read_onnx(signed(manifest)).precision == "int8"


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_what_is_no_model_is_refused(manifest: ModelManifest, content: bytes) -> None:
    manifest.model_path.write_bytes(content)
    with pytest.raises(ModelError, match="is not a valid model"):
        read_onnx(signed(manifest))


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/etc/passwd"])
def test_data_in_another_file_is_refused_and_not_opened(
    manifest: ModelManifest, place: str
) -> None:
    model = onnx.load(manifest.model_path)
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=place)
    manifest.model_path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"keeps .* in another file"):
        read_onnx(signed(manifest))
