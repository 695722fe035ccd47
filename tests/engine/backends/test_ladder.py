"""The best backend that is ready scores; a better one takes over; one that fails gives way."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from backends import BuildingBackend, FakeBackend, GpuError

from engine.backends.ladder import Ladder
from engine.errors import BackendError, ModelError
from engine.plans.compile import BuildCanceledError

INPUTS = np.zeros((1, 98, 128), np.float32)


def wait_for(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def score(ladder: Ladder) -> float:
    return float(ladder.infer(INPUTS)[0, 0])


@pytest.fixture
def fast() -> BuildingBackend:
    return BuildingBackend("tensorrt", 1)


@pytest.fixture
def cpu() -> FakeBackend:
    return FakeBackend("cpu", 3)


def test_the_first_that_works_is_entered(cpu: FakeBackend) -> None:
    broken, middle = FakeBackend("tensorrt", 1), FakeBackend("cuda", 2)
    broken.refuses = GpuError("no context")
    with Ladder([broken, middle, cpu], ["not other: gone"], live=False) as ladder:
        assert (ladder.name, score(ladder)) == ("cuda", 2)
        assert ladder.reason == "not other: gone; not tensorrt: no context"
        assert cpu.entered == 0
    assert middle.entered == 0


def test_what_the_last_one_says_is_raised(cpu: FakeBackend) -> None:
    cpu.refuses = ModelError("no model")
    with pytest.raises(ModelError, match="no model"):
        Ladder([cpu], live=False).__enter__()


def test_a_plan_is_built_beside_the_scoring(fast: BuildingBackend, cpu: FakeBackend) -> None:
    with Ladder([fast, cpu], live=True) as ladder:
        assert score(ladder) == 3
        wait_for(lambda: ladder.building == ("tensorrt", 0.5))
        assert ladder.reason == "tensorrt builds its plan"
        fast.finish.set()
        wait_for(lambda: score(ladder) == 1)
        assert (ladder.name, ladder.reason, ladder.building) == ("tensorrt", "fastest", None)
        assert cpu.entered == 0
    assert fast.entered == 0


def test_a_plan_that_is_there_is_used_at_once(fast: BuildingBackend, cpu: FakeBackend) -> None:
    fast.prepared = True
    with Ladder([fast, cpu], live=True) as ladder:
        assert score(ladder) == 1
    assert (fast.entered, cpu.entered) == (0, 0)


def test_a_recording_waits_for_the_plan(fast: BuildingBackend, cpu: FakeBackend) -> None:
    fast.finish.set()
    with Ladder([fast, cpu], live=False) as ladder:
        assert score(ladder) == 1


def test_a_build_that_fails_is_told_and_nothing_else_happens(
    fast: BuildingBackend, cpu: FakeBackend
) -> None:
    fast.refuses = GpuError("out of memory")
    fast.finish.set()
    with Ladder([fast, cpu], live=True) as ladder:
        wait_for(lambda: "not tensorrt: out of memory" in ladder.reason)
        assert score(ladder) == 3
        assert ladder.building is None


def test_the_end_cancels_what_is_being_built(fast: BuildingBackend, cpu: FakeBackend) -> None:
    began = time.monotonic()
    with Ladder([fast, cpu], live=True) as ladder:
        wait_for(lambda: ladder.building is not None)
    assert time.monotonic() - began < 2
    assert (fast.entered, cpu.entered) == (0, 0)


def test_what_was_ready_and_never_used_is_left(fast: BuildingBackend, cpu: FakeBackend) -> None:
    with Ladder([fast, cpu], live=True) as ladder:
        fast.finish.set()
        wait_for(lambda: ladder.building is None)
    assert (fast.entered, cpu.entered) == (0, 0)


def test_who_asked_may_cancel_a_build_that_is_waited_for(
    fast: BuildingBackend, cpu: FakeBackend
) -> None:
    fast.go_on = lambda share: False
    with pytest.raises(BuildCanceledError):
        Ladder([fast, cpu], live=False).__enter__()
    assert cpu.entered == 0


def test_a_gpu_that_fails_gives_way_and_no_window_is_lost(cpu: FakeBackend) -> None:
    gpu = FakeBackend("cuda", 2)
    told: list[str] = []
    with Ladder([gpu, cpu], live=True, on_failure=told.append) as ladder:
        assert score(ladder) == 2
        gpu.fails = GpuError("CUDA failed: cudaErrorIllegalAddress")
        assert score(ladder) == 3
        assert score(ladder) == 3
        assert ladder.name == "cpu"
        assert ladder.reason == "not cuda: CUDA failed: cudaErrorIllegalAddress"
    assert told == ["cuda failed: CUDA failed: cudaErrorIllegalAddress"]
    assert (gpu.entered, cpu.entered) == (0, 0)


def test_a_model_that_the_cpu_cannot_run_ends_with_what_failed(cpu: FakeBackend) -> None:
    gpu = FakeBackend("tensorrt", 1)
    cpu.refuses = ModelError("bfloat16")
    with Ladder([gpu, cpu], live=True, strict=True) as ladder:
        gpu.fails = GpuError("gone")
        with pytest.raises(GpuError, match="gone"):
            ladder.infer(INPUTS)


def test_a_cpu_that_fails_is_an_error(cpu: FakeBackend) -> None:
    cpu.fails = BackendError("broken")
    told: list[str] = []
    ladder = Ladder([cpu], live=True, on_failure=told.append)
    with ladder, pytest.raises(BackendError, match="broken"):
        ladder.infer(INPUTS)
    assert told == []  # no GPU has failed


def test_a_named_backend_that_does_not_start_gives_way_to_nothing(cpu: FakeBackend) -> None:
    gpu = FakeBackend("cuda", 2)
    gpu.refuses = GpuError("no driver")
    with pytest.raises(GpuError, match="no driver"):
        Ladder([gpu, cpu], live=True, strict=True).__enter__()


def test_after_a_failure_nothing_that_was_prepared_takes_over(cpu: FakeBackend) -> None:
    better, gpu = BuildingBackend("tensorrt", 1), FakeBackend("cuda", 2)
    with Ladder([better, gpu, cpu], live=True) as ladder:
        assert score(ladder) == 2
        gpu.fails = GpuError("gone")
        assert score(ladder) == 3
        better.finish.set()
        time.sleep(0.1)
        assert score(ladder) == 3
    assert (better.entered, cpu.entered) == (0, 0)
