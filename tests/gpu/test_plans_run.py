"""Plans on a real GPU: the same numbers as ONNX Runtime, graphs, stored kernels, refusals."""

import numpy as np
import pytest

from engine.backends.onnxruntime import CpuBackend, CudaBackend
from engine.backends.tensorrt import TensorRtBackend
from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.plans.cache import PlanCache
from engine.types import Float32


@pytest.fixture(scope="module")
def inputs() -> Float32:
    return np.random.default_rng(1).standard_normal((19, 98, 128)).astype(np.float32)


@pytest.fixture(scope="module")
def wanted(manifest: ModelManifest, inputs: Float32) -> Float32:
    with CpuBackend(manifest) as cpu:
        return cpu.infer(inputs)


def test_batches_of_every_size_give_the_cpus_logits(
    kind: type[TensorRtBackend],
    cache: PlanCache,
    manifest: ModelManifest,
    inputs: Float32,
    wanted: Float32,
) -> None:
    with kind(manifest, cache=cache) as backend:
        for batch in range(1, len(inputs) + 1):  # more than the largest batch, too
            np.testing.assert_allclose(backend.infer(inputs[:batch]), wanted[:batch], atol=0.01)
        assert backend.runner.graph_refused == ""


def test_single_windows_are_told_apart(
    kind: type[TensorRtBackend],
    cache: PlanCache,
    manifest: ModelManifest,
    inputs: Float32,
    wanted: Float32,
) -> None:
    with kind(manifest, cache=cache) as backend:
        single = np.concatenate([backend.infer(one[None]) for one in inputs])
    np.testing.assert_allclose(single, wanted, atol=0.01)


def test_the_second_start_builds_nothing(
    kind: type[TensorRtBackend], cache: PlanCache, manifest: ModelManifest
) -> None:
    with kind(manifest, cache=cache):
        pass

    def refuse(_: float) -> bool:
        raise AssertionError("it is building")

    with kind(manifest, cache=cache, go_on=refuse) as backend:
        assert backend.self_test_difference < 0.01


def test_a_plan_of_another_model_is_refused(
    kind: type[TensorRtBackend], cache: PlanCache, manifest: ModelManifest
) -> None:
    """Its tensors are checked even where hash and sidecar are right."""
    from engine.backends.plan_runner import PlanRunner
    from engine.plans.compile import compile_plan
    from engine.plans.libraries import find_library

    library = find_library(kind.name)
    plan = compile_plan(library, manifest.model_path.read_bytes(), max_batch=1).plan
    with pytest.raises(BackendError, match="its model wants"):
        PlanRunner(library, plan, (98, 64), len(manifest.labels)).__enter__()
    with pytest.raises(BackendError):
        PlanRunner(library, plan[:-100_000], (98, 128), len(manifest.labels)).__enter__()


def test_onnx_runtime_on_the_gpu(manifest: ModelManifest, inputs: Float32, wanted: Float32) -> None:
    try:
        backend = CudaBackend(manifest)
    except BackendError as err:
        pytest.skip(f"needs onnxruntime-gpu and a GPU: {err}")
    with backend:
        np.testing.assert_allclose(backend.infer(inputs), wanted, atol=0.05)
