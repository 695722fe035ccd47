"""A named backend is strict, auto says why, and a model that does not fit is refused."""

import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tiny_model import LABELS, make_model_folder

from engine.backends import BACKEND_NAMES, choose_backend
from engine.backends.onnxruntime import CpuBackend, CudaBackend
from engine.errors import BackendError, ModelError
from engine.manifest import ModelManifest, file_sha256, load_manifest

ONLY_CPU = ["CPUExecutionProvider"]


@pytest.fixture
def only_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ONLY_CPU)


def test_batches_of_any_size_give_the_same_logits(tiny: ModelManifest) -> None:
    inputs = np.random.default_rng(0).standard_normal((5, 98, 128)).astype(np.float32)
    with CpuBackend(tiny) as backend:
        together = backend.infer(inputs)
        alone = np.concatenate([backend.infer(row[None]) for row in inputs])
    assert together.shape == (5, len(LABELS))
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.usefixtures("only_cpu")
def test_auto_falls_back_and_says_why(tiny: ModelManifest) -> None:
    chosen = choose_backend("auto", tiny)
    assert chosen.backend.name == "cpu"
    assert "not cuda: ONNX Runtime" in chosen.reason
    assert "has no CUDAExecutionProvider" in chosen.reason


@pytest.mark.usefixtures("only_cpu")
def test_a_named_backend_is_strict(tiny: ModelManifest) -> None:
    with pytest.raises(BackendError, match="has no CUDAExecutionProvider"):
        choose_backend("cuda", tiny)
    assert choose_backend("cpu", tiny).reason == "asked for"


def test_auto_without_any_backend(tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", list)
    with pytest.raises(BackendError, match=r"no backend is available: not tensorrt: .*; not cpu: "):
        choose_backend("auto", tiny)


def test_an_unknown_backend_is_named(tiny: ModelManifest) -> None:
    with pytest.raises(
        BackendError,
        match="'tpu' is not in this version; choose auto, tensorrt, tensorrt_rtx, cuda, cpu",
    ):
        choose_backend("tpu", tiny)
    assert BACKEND_NAMES[-1] == "cpu"


def test_a_silent_fallback_of_onnx_runtime_is_refused(
    tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FallenBack:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def get_providers(self) -> list[str]:
            return ONLY_CPU

    providers = ["CUDAExecutionProvider", *ONLY_CPU]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
    monkeypatch.setattr(onnxruntime, "InferenceSession", FallenBack)
    with (
        pytest.raises(BackendError, match=r"asked ONNX Runtime for CUDA.*, got CPU"),
        CudaBackend(tiny),
    ):
        pass


def test_one_thread_and_no_spinning(tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    session = onnxruntime.InferenceSession

    def record(path: str, options: Any, **more: Any) -> Any:
        seen.append(options)
        return session(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", record)
    with CpuBackend(tiny):
        (options,) = seen
    assert options.intra_op_num_threads == 1
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_name": "audio"}, r"has audio tensor\(float\) \[batch, 98, 128\]; its manifest"),
        ({"output_name": "scores"}, "has scores tensor"),
        ({"n_frames": 128}, r"\[batch, 128, 128\]; its manifest wants fbank .* \[batch, 98, 128\]"),
        ({"n_labels": 3}, r"\[batch, 3\]; its manifest wants logits tensor\(float\) \[batch, 4\]"),
        ({"bias": np.full(4, np.nan, np.float32)}, "gives logits that are not finite"),
    ],
    ids=["input name", "output name", "frames", "labels", "not finite"],
)
def test_a_model_that_does_not_fit_its_manifest(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    manifest = load_manifest(make_model_folder(tmp_path / "model", **change))
    with pytest.raises(ModelError, match=message), CpuBackend(manifest):
        pass


def test_the_file_is_not_kept_in_memory_beside_the_session(tiny: ModelManifest) -> None:
    with CpuBackend(tiny) as backend:
        assert backend._session._model_bytes is None


def test_a_file_that_is_no_onnx(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    model = onnx.load(manifest.model_path)
    model.graph.node[0].op_type = "Unheard"
    with pytest.raises(ModelError, match=r"model.onnx cannot be loaded: "), signed(manifest, model):
        pass


def signed(manifest: ModelManifest, model: Any) -> CpuBackend:
    """A backend of another model under the same manifest, whose hash it has."""
    manifest.model_path.write_bytes(model.SerializeToString())
    files = {"model.onnx": file_sha256(manifest.model_path)}
    return CpuBackend(replace(manifest, files=files))


@pytest.mark.parametrize("place", ["weights.bin", "../weights.bin", "/absolute", "link.bin"])
def test_weights_in_another_file_are_refused_and_not_opened(
    own_tiny_folder: Path, place: str
) -> None:
    """No hash covers them, even where ONNX Runtime itself would take them."""
    manifest = load_manifest(own_tiny_folder)
    model = onnx.load(manifest.model_path)
    weight = next(item for item in model.graph.initializer if item.name == "matrix")
    path = own_tiny_folder / place
    if place != "/absolute":
        path = own_tiny_folder / ("../weights.bin" if place == "link.bin" else place)
        path.write_bytes(weight.raw_data)
        if place == "link.bin":
            (own_tiny_folder / place).symlink_to("../weights.bin")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value=place)
    with (
        pytest.raises(ModelError, match="keeps a tensor in another file"),
        signed(manifest, model),
    ):
        pass


def test_operators_of_others_are_refused(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    model = onnx.load(manifest.model_path)
    model.graph.node[1].op_type, model.graph.node[1].domain = "FusedMatMul", "com.microsoft"
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnxruntime.InferenceSession(model.SerializeToString(), providers=ONLY_CPU)  # which takes them
    with (
        pytest.raises(ModelError, match=r"uses operators of 'com.microsoft'"),
        signed(manifest, model),
    ):
        pass


def filled(model: Any) -> None:
    """2.6 thousand million zeros, of a file of some bytes."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([2_600_000_000]), "size"))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["size"], ["large"]))


def multiplied(model: Any) -> None:
    """A column times a row of 50,000."""
    for name, shape in (("column", (50_000, 1)), ("row", (1, 50_000))):
        model.graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), name))
    model.graph.node.insert(0, helper.make_node("MatMul", ["column", "row"], ["large"]))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds it")
@pytest.mark.parametrize("ask", [filled, multiplied])
def test_a_model_that_asks_for_ten_gigabytes_is_refused(
    own_tiny_folder: Path, ask: Callable[[Any], None]
) -> None:
    manifest = load_manifest(own_tiny_folder)
    model = onnx.load(manifest.model_path)
    model.graph.node[-1].output[0] = "sum"
    ask(model)
    mean = helper.make_node("ReduceMean", ["large"], ["middle"], keepdims=0)
    model.graph.node.extend([mean, helper.make_node("Add", ["sum", "middle"], ["logits"])])
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with (
        pytest.raises(ModelError, match=r"model.onnx cannot .*: .*[Aa]llocat"),
        signed(manifest, model),
    ):
        pass
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 4 << 20
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_model_that_states_one_shape_and_gives_another(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    model = onnx.load(manifest.model_path)
    model.graph.node[-1].output[0] = "four"
    # As many rows as its input has numbers above -1: no shape can be told before it runs.
    model.graph.initializer.append(numpy_helper.from_array(np.array([2, 4]), "shape"))
    model.graph.node.extend(
        [
            helper.make_node("NonZero", ["shape"], ["places"]),
            helper.make_node("Shape", ["places"], ["n"], start=1),
            helper.make_node("Concat", ["n", "n"], ["shape2"], axis=0),
            helper.make_node("ConstantOfShape", ["shape2"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Expand", ["four", "n3"], ["wide"]),
            helper.make_node("Add", ["wide", "zero"], ["logits"]),
        ]
    )
    model.graph.initializer.append(numpy_helper.from_array(np.array([3, 4]), "n3"))
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    with (
        pytest.raises(ModelError, match=r"gives logits of shape \(3, 4\), not \(1, 4\)"),
        signed(manifest, model),
    ):
        pass


def test_a_failure_while_scoring_is_a_backend_error(tiny: ModelManifest) -> None:
    with CpuBackend(tiny) as backend, pytest.raises(BackendError, match="ONNX Runtime failed: "):
        backend.infer(np.zeros((1, 5, 5), np.float32))
