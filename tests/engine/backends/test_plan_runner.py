"""What runs a plan, over memory that is real and kernels that are numpy.

tests/gpu has the same on a GPU; this is what goes wrong without one, too: rows, buckets, graphs.
"""

from collections.abc import Iterator

import numpy as np
import pytest
from fake_tensorrt import FRAMES, LABELS, MELS, FakeEngine, FakeLibrary, FakeStream

from engine.backends import plan_runner
from engine.backends.plan_runner import PlanRunner, bucket_sizes
from engine.errors import BackendError
from engine.plans.libraries import find_library

SHAPE = (FRAMES, MELS)


@pytest.fixture(autouse=True)
def streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FakeStream]]:
    monkeypatch.setattr(plan_runner, "CudaStream", FakeStream)
    FakeStream.made.clear()
    yield FakeStream.made
    assert not [stream for stream in FakeStream.made if stream.is_open]


def runner(engine: FakeEngine | None) -> PlanRunner:
    return PlanRunner(FakeLibrary(engine), b"plan", SHAPE, LABELS)  # type: ignore[arg-type]


def inputs(batch: int) -> np.ndarray:
    return np.random.default_rng(batch).standard_normal((batch, *SHAPE)).astype(np.float32)


def wanted(model_inputs: np.ndarray) -> np.ndarray:
    return model_inputs.sum(axis=(1, 2))[:, None] * np.arange(1, LABELS + 1)


@pytest.mark.parametrize(
    ("largest", "sizes"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])]
)
def test_buckets_are_powers_of_two_and_the_largest(largest: int, sizes: list[int]) -> None:
    assert bucket_sizes(largest) == sizes


@pytest.mark.parametrize("max_batch", [1, 6, 8])
def test_every_batch_gets_its_own_rows(max_batch: int, streams: list[FakeStream]) -> None:
    engine = FakeEngine(max_batch)
    with runner(engine) as running:
        assert running.max_batch == max_batch
        for batch in (5, 1, 3, 17, 2, 6, 1):  # fewer after more: old rows must not show
            found = running.infer(inputs(batch))
            np.testing.assert_allclose(found, wanted(inputs(batch)), rtol=1e-6)
        assert running.infer(inputs(0)).shape == (0, LABELS)
        assert streams[0].captures == engine.contexts == len(bucket_sizes(max_batch))
        assert running.graph_refused == ""


def test_without_graphs_it_runs_all_the_same(streams: list[FakeStream]) -> None:
    with runner(FakeEngine()) as running:
        streams[0].refuses_capture = True
        for batch in (2, 3, 2):
            found = running.infer(inputs(batch))
            np.testing.assert_allclose(found, wanted(inputs(batch)), rtol=1e-6)
        assert "cudaErrorStreamCaptureUnsupported" in running.graph_refused


def test_a_plan_that_stops_running_is_an_error(streams: list[FakeStream]) -> None:
    engine = FakeEngine()
    with runner(engine) as running:
        running.infer(inputs(1))
        engine.fails = True
        with pytest.raises(BackendError, match="the plan does not run: Magic tag"):
            running.infer(inputs(2))


def test_a_context_that_refuses_is_an_error() -> None:
    engine = FakeEngine()
    engine.refuses = True
    with runner(engine) as running, pytest.raises(BackendError, match="takes no batch of 2"):
        running.infer(inputs(2))


def test_nothing_from_deserialisation_is_an_error_with_the_librarys_reason() -> None:
    with pytest.raises(BackendError, match="refuses the plan: Magic tag does not match"):
        runner(None).__enter__()


def test_a_plan_of_another_model_is_an_error() -> None:
    with pytest.raises(BackendError, match="its model wants"):
        runner(FakeEngine(labels=LABELS + 1)).__enter__()


def test_the_real_library_refuses_what_is_no_plan() -> None:
    try:
        library = find_library("tensorrt_rtx")
    except BackendError as err:
        pytest.skip(f"needs TensorRT for RTX: {err}")
    with pytest.raises(BackendError, match=r"tensorrt_rtx refuses the plan: ."):
        PlanRunner(library, b"no plan at all" * 100, SHAPE, LABELS).__enter__()
