"""A named backend is strict, auto says why, and a model that does not fit is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from tiny_model import LABELS, make_model_folder

from engine.backends import BACKEND_NAMES, choose_backend
from engine.backends.onnxruntime import CpuBackend, CudaBackend
from engine.errors import BackendError, ModelError
from engine.manifest import ModelManifest, load_manifest

ONLY_CPU = ["CPUExecutionProvider"]


@pytest.fixture
def tiny(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


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


def test_a_file_that_is_no_onnx(own_tiny_folder: Path) -> None:
    manifest = load_manifest(own_tiny_folder)
    manifest.model_path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"model.onnx cannot be loaded: "), CpuBackend(manifest):
        pass


def test_a_failure_while_scoring_is_a_backend_error(tiny: ModelManifest) -> None:
    with CpuBackend(tiny) as backend, pytest.raises(BackendError, match="ONNX Runtime failed: "):
        backend.infer(np.zeros((1, 5, 5), np.float32))
