"""The backend from the model folder to its logits, with a fake GPU and a cache that is real."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_tensorrt import FakeLibrary, FakeStream
from full_disk import files_of_at_most

from engine.backends import plan_runner, tensorrt
from engine.backends.onnxruntime import CpuBackend
from engine.backends.tensorrt import TensorRtBackend
from engine.errors import BackendError
from engine.manifest import ModelManifest, load_manifest
from engine.plans.cache import Identity, PlanCache, StoredPlan
from engine.plans.device import Gpu
from engine.plans.onnx_file import read_onnx

GPU = Gpu(name="NVIDIA Test", capability="8.9", driver="13.0")


class Runner:
    """A plan runner whose plan is the CPU's session, made worse by some error."""

    error = 0.0
    made: list["Runner"] = []  # noqa: RUF012  emptied by a fixture

    def __init__(self, library: Any, plan: bytes, *_: Any, kernels: bytes = b"") -> None:
        self.plan, self.given_kernels = plan, kernels
        self.max_batch = 8
        self.graph_refused = ""
        self.is_open = False
        Runner.made.append(self)

    def __enter__(self) -> "Runner":
        self.is_open = True
        self._cpu = CpuBackend(MANIFEST[0]).__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.is_open = False

    def infer(self, model_inputs: np.ndarray) -> np.ndarray:
        return self._cpu.infer(model_inputs) + np.float32(Runner.error)

    def kernels(self) -> bytes:
        return b"kernels of this GPU"


MANIFEST: list[ModelManifest] = []


@pytest.fixture
def manifest(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


@pytest.fixture(autouse=True)
def gpu(manifest: ModelManifest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    library = FakeLibrary(None)
    library.version = "11.4.0"  # type: ignore[attr-defined]
    library.require_capability = lambda *_: None  # type: ignore[attr-defined]
    monkeypatch.setattr(tensorrt, "require_installed", lambda name: None)
    monkeypatch.setattr(tensorrt, "find_gpu", lambda: GPU)
    monkeypatch.setattr(tensorrt, "find_library", lambda name: library)
    monkeypatch.setattr(tensorrt, "PlanRunner", Runner)
    MANIFEST[:] = [manifest]
    Runner.made.clear()
    Runner.error = 0.0
    yield
    assert not [runner for runner in Runner.made if runner.is_open]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Identity]:
    """Plans that were asked for."""
    asked: list[Identity] = []

    def build(cache: PlanCache, identity: Identity, _: object, *, go_on: object) -> StoredPlan:
        asked.append(identity)
        cache.write(identity, b"a plan", {})
        stored = cache.read(identity)
        assert stored is not None
        return stored

    monkeypatch.setattr(tensorrt, "build", build)
    return asked


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "plans")


def test_it_is_built_once_tested_and_used(
    manifest: ModelManifest, cache: PlanCache, built: list[Identity]
) -> None:
    inputs = np.random.default_rng(0).standard_normal((3, 98, 128)).astype(np.float32)
    backend = TensorRtBackend(manifest, cache=cache)
    assert not backend.is_prepared()
    with backend, CpuBackend(manifest) as cpu:
        np.testing.assert_allclose(backend.infer(inputs), cpu.infer(inputs), atol=1e-5)
        assert backend.self_test_difference < 1e-4
    again = TensorRtBackend(manifest, cache=cache)
    assert again.is_prepared()
    with again:
        assert Runner.made[-1].plan == b"a plan"
        assert Runner.made[-1].given_kernels == b"kernels of this GPU"
    (identity,) = built
    assert (identity.gpu, identity.capability, identity.version) == ("NVIDIA Test", "8.9", "11.4.0")
    assert identity.onnx_sha256 == manifest.model_sha256
    assert identity.precision == read_onnx(manifest).precision == "fp32"


@pytest.mark.parametrize("error", [0.02, np.nan])
def test_a_plan_that_gives_other_numbers_is_refused_and_left(
    manifest: ModelManifest, cache: PlanCache, built: list[Identity], error: float
) -> None:
    Runner.error = error
    backend = TensorRtBackend(manifest, cache=cache)
    with pytest.raises(BackendError, match="tensorrt failed its self-test"):
        backend.__enter__()
    with pytest.raises(BackendError, match="tensorrt is not loaded"):
        backend.infer(np.zeros((1, 98, 128), np.float32))


def test_a_full_disk_costs_the_kernels_and_nothing_else(
    manifest: ModelManifest, cache: PlanCache, built: list[Identity]
) -> None:
    with TensorRtBackend(manifest, cache=cache):
        pass
    for path in cache.folder.glob("*.kernels"):
        path.unlink()
    with files_of_at_most(0), TensorRtBackend(manifest, cache=cache) as backend:
        assert backend.infer(np.zeros((1, 98, 128), np.float32)).shape[0] == 1


def test_an_altered_plan_is_refused(
    manifest: ModelManifest, cache: PlanCache, built: list[Identity]
) -> None:
    with TensorRtBackend(manifest, cache=cache):
        pass
    (path,) = cache.folder.glob("*.plan")
    path.write_bytes(b"b plan")
    with pytest.raises(BackendError, match="was altered; python -m kws_app plan build --anew"):
        TensorRtBackend(manifest, cache=cache).__enter__()
    assert len(Runner.made) == 1  # nothing of it was loaded


def test_streams_of_the_runner_are_those_of_cuda() -> None:
    """The fake has what the runner uses; the real one is in tests/gpu."""
    from engine.backends.cuda import CudaStream

    public = {name for name in vars(FakeStream) if not name.startswith("_")}
    assert {name for name in public if name in vars(CudaStream)} >= {
        *("capture", "copy_in", "copy_out", "device_memory", "pinned_array", "synchronize"),
    }
    assert plan_runner.CudaStream is CudaStream
