"""Backends change while a stream goes on: told once, no window lost, no build outlives it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backends import BuildingBackend, FakeBackend, GpuError
from signals import tone_stream

from engine.audio.paced import PacedSource
from engine.audio.source import Block
from engine.backends import ChosenBackend, choose_backend
from engine.backends.ladder import Ladder
from engine.backends.onnxruntime import CpuBackend
from engine.consumers import EventQueue
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline
from engine.types import BackendChanged, Event, Heard, Started, Stopped


class Tones:
    """The test's stream in blocks of a hop."""

    name = "tones"
    sample_rate_hz = 16_000
    is_live = False

    def __init__(self) -> None:
        self._blocks = iter(np.split(tone_stream()[: 4 * 16_000], 40))

    def __enter__(self) -> "Tones":
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def read(self) -> Block | None:
        samples = next(self._blocks, None)
        return None if samples is None else Block(samples=samples)


class FailingLater(CpuBackend):
    """The CPU under another name, until it fails as a GPU does."""

    name = "cuda"
    windows = 0

    def infer(self, model_inputs: Any) -> Any:
        self.windows += 1
        if self.windows > 6:  # its own check takes one
            raise GpuError("CUDA failed: cudaErrorECCUncorrectable")
        return super().infer(model_inputs)


def events_of(manifest: ModelManifest, chosen: ChosenBackend) -> list[Event]:
    queue = EventQueue(1_000, drop_oldest=True)
    pipeline = Pipeline(Tones(), manifest, chosen, manifest.decision, [queue])
    pipeline.start()
    pipeline.join(30)
    events = []
    while (event := queue.get(0)) is not None:
        events.append(event)
    return events


def test_a_gpu_that_fails_is_told_and_the_words_are_the_same(tiny: ModelManifest) -> None:
    wanted = [e.detection for e in events_of(tiny, choose_backend("cpu", tiny)) if _is_heard(e)]
    told: list[str] = []
    ladder = Ladder([FailingLater(tiny), CpuBackend(tiny)], live=True, on_failure=told.append)
    events = events_of(tiny, ChosenBackend(backend=ladder, reason="fastest"))
    started, changed = events[0], [e for e in events if isinstance(e, BackendChanged)]
    assert isinstance(started, Started)
    assert (started.backend, started.backend_reason) == ("cuda", "fastest")
    assert changed == [
        BackendChanged(
            end_sample=16_000 + 5 * 1_600,
            backend="cpu",
            backend_reason="not cuda: CUDA failed: cudaErrorECCUncorrectable",
        )
    ]
    heard = [e.detection for e in events if isinstance(e, Heard)]
    assert [(d.keyword, d.end_sample) for d in heard] == [(d.keyword, d.end_sample) for d in wanted]
    assert heard
    assert isinstance(events[-1], Stopped)
    assert events[-1].stats.windows == 31
    assert len(told) == 1


def _is_heard(event: Event) -> bool:
    return isinstance(event, Heard)


def test_stopping_gives_up_a_plan_that_is_waited_for(tiny: ModelManifest) -> None:
    fast = BuildingBackend("tensorrt")
    ladder = Ladder([fast, FakeBackend("cpu")], live=False)
    chosen = ChosenBackend(backend=ladder, reason="fastest")
    fast.go_on = lambda share: not chosen._canceled.is_set()
    queue = EventQueue(10, drop_oldest=True)
    pipeline = Pipeline(Tones(), tiny, chosen, tiny.decision, [queue])
    pipeline.start()
    pipeline.stop()
    pipeline.join(10)
    (stopped,) = list(iter(lambda: queue.get(0), None))
    assert isinstance(stopped, Stopped)
    assert (stopped.reason, stopped.stats.windows) == ("interrupted", 0)


@pytest.mark.parametrize("name", ["auto", "tensorrt"])
def test_who_asks_for_a_plan_is_told_of_it_and_can_cancel_it(
    tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made: list[BuildingBackend] = []

    def create(rung: str, manifest: ModelManifest) -> Any:
        if rung != "tensorrt":
            return FakeBackend(rung)
        made.append(BuildingBackend(rung))
        return made[-1]

    monkeypatch.setattr("engine.backends._create", create)
    told: list[tuple[str, float]] = []
    chosen = choose_backend(name, tiny, on_build=lambda who, share: told.append((who, share)))
    assert made[0].go_on(0.25)
    chosen.cancel()
    assert not made[0].go_on(0.5)
    assert told == [("tensorrt", 0.25), ("tensorrt", 0.5)]


def test_after_a_failure_no_gpu_is_tried_in_this_process(
    tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.backends._gpu_failure", ["cuda failed: gone"])
    chosen = choose_backend("auto", tiny)
    assert chosen.backend.name == "cpu"
    assert chosen.reason.count("cuda failed: gone; only a new start of the program mends") == 3


def test_a_live_stream_takes_over_without_an_end(
    tiny: ModelManifest, tmp_path: Path, wait: Callable[[Callable[[], bool]], None]
) -> None:
    fast = BuildingBackend("tensorrt")
    real = CpuBackend(tiny)
    fast.infer = real.infer  # type: ignore[method-assign]
    ladder = Ladder([fast, CpuBackend(tiny)], live=True)
    queue = EventQueue(1_000, drop_oldest=True)
    source = PacedSource(Tones(), 16_000)
    chosen = ChosenBackend(backend=ladder, reason="fastest")
    with real:
        pipeline = Pipeline(source, tiny, chosen, tiny.decision, [queue])
        pipeline.start()
        wait(lambda: chosen.building is not None)
        fast.finish.set()
        pipeline.join(30)
    events = list(iter(lambda: queue.get(0), None))
    (changed,) = [event for event in events if isinstance(event, BackendChanged)]
    assert (changed.backend, changed.backend_reason) == ("tensorrt", "fastest")
    assert isinstance(events[-1], Stopped)
    assert events[-1].stats.windows + events[-1].stats.skipped_windows == 31


@pytest.fixture
def wait() -> Callable[[Callable[[], bool]], None]:
    import time

    def until(done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not done():
            assert time.monotonic() < deadline
            time.sleep(0.005)

    return until
