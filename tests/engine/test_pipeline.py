"""The threaded shell: order of events, clean ends, counted losses."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from program import ROOT, environment
from signals import silence, tone_stream, white_noise

from engine.audio.source import Block, Trouble
from engine.backends import ChosenBackend, choose_backend
from engine.consumers import EventQueue
from engine.errors import BackendError, ConfigError, SourceError
from engine.manifest import ModelManifest, load_manifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import (
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Event,
    Gap,
    Heard,
    Started,
    Stopped,
    StreamStats,
)


class FakeSource:
    """Plays blocks, then ends, fails, or stays silent."""

    sample_rate_hz = 16_000
    name = "fake"

    def __init__(
        self,
        blocks: Sequence[Block],
        *,
        is_live: bool = False,
        endless: bool = False,
        failure: Exception | None = None,
    ) -> None:
        self.is_live = is_live
        self._blocks = list(blocks)
        self._endless = endless
        self._failure = failure
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False

    def read(self) -> Block | None:
        if self._blocks:
            return self._blocks.pop(0)
        if self._failure is not None:
            raise self._failure
        return Block(samples=np.empty(0, np.float32)) if self._endless else None


@pytest.fixture
def tiny(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


def cut(samples: np.ndarray, size: int = 1_600) -> list[Block]:
    return [Block(samples=samples[i : i + size]) for i in range(0, len(samples), size)]


def make(
    manifest: ModelManifest,
    source: FakeSource,
    *,
    rule: StopRule | None = None,
    windows: list[ScoredWindow] | None = None,
    queue: EventQueue | None = None,
) -> tuple[Pipeline, EventQueue]:
    queue = queue or EventQueue(1_000, drop_oldest=True)
    pipeline = Pipeline(
        source,
        manifest,
        choose_backend("cpu", manifest),
        manifest.decision,
        [queue],
        stop_rule=rule,
        on_window=None if windows is None else windows.append,
    )
    return pipeline, queue


def run(
    manifest: ModelManifest, source: FakeSource, rule: StopRule | None = None
) -> tuple[list[Event], list[ScoredWindow]]:
    windows: list[ScoredWindow] = []
    pipeline, queue = make(manifest, source, rule=rule, windows=windows)
    pipeline.start()
    pipeline.join(timeout_s=30)
    assert not source.is_open
    return drain(queue), windows


def drain(queue: EventQueue) -> list[Event]:
    events = []
    while (event := queue.get(0)) is not None:
        events.append(event)
    return events


def stopped(events: list[Event]) -> Stopped:
    assert isinstance(events[-1], Stopped)
    return events[-1]


def test_started_first_then_detections_then_stopped(tiny: ModelManifest) -> None:
    samples = tone_stream()
    events, windows = run(tiny, FakeSource(cut(samples)))
    assert events[0] == Started(
        source="fake", sample_rate_hz=16_000, backend="cpu", backend_reason="asked for"
    )
    assert [e.detection.keyword for e in events[1:-1] if isinstance(e, Heard)] == [
        "low",
        "high",
        "low",
    ]
    end = stopped(events)
    assert end.reason == "end of input"
    assert end.stats.end_sample == len(samples)
    assert end.stats.windows == len(windows) == (len(samples) - 16_000) // 1_600 + 1
    assert end.stats.detections == 3


@pytest.mark.parametrize("samples", [16_000, 20_001, 24_000])
def test_a_duration_is_exact_to_the_sample(tiny: ModelManifest, samples: int) -> None:
    rule = StopRule(samples=samples)
    events, windows = run(tiny, FakeSource(cut(white_noise(3), 7_000), endless=True), rule)
    assert stopped(events).reason == "duration"
    assert stopped(events).stats.end_sample == samples
    assert windows[-1].posteriors.end_sample <= samples
    assert len(windows) == (samples - 16_000) // 1_600 + 1


def test_it_stops_at_the_wanted_detection(tiny: ModelManifest) -> None:
    events, _ = run(tiny, FakeSource([Block(samples=tone_stream())]), StopRule(detections=2))
    assert stopped(events).reason == "max detections"
    assert sum(isinstance(e, Heard) for e in events) == stopped(events).stats.detections == 2


def test_stop_ends_an_endless_source_and_may_be_repeated(tiny: ModelManifest) -> None:
    pipeline, queue = make(tiny, FakeSource([], is_live=True, endless=True))
    pipeline.start()
    assert isinstance(queue.get(10), Started)
    pipeline.stop()
    pipeline.stop()
    pipeline.join(timeout_s=10)
    pipeline.stop()
    assert stopped(drain(queue)).reason == "interrupted"


def test_a_failing_source_is_raised_by_join_after_the_last_event(tiny: ModelManifest) -> None:
    source = FakeSource(cut(white_noise(1.2)), failure=SourceError("the disk is gone"))
    pipeline, queue = make(tiny, source)
    pipeline.start()
    with pytest.raises(SourceError, match="the disk is gone"):
        pipeline.join(timeout_s=10)
    end = stopped(drain(queue))
    assert end.reason == "failed"
    assert end.stats.windows == 3
    assert not source.is_open


def test_a_refused_model_opens_no_device(tiny: ModelManifest) -> None:
    class Refusing:
        name = "refusing"

        def __enter__(self) -> Self:
            raise BackendError("no")

        def __exit__(self, *_: object) -> None:
            raise AssertionError

        def infer(self, model_inputs: np.ndarray) -> np.ndarray:
            raise AssertionError

    class NeverOpened(FakeSource):
        def __enter__(self) -> Self:
            raise AssertionError

    pipeline = Pipeline(
        NeverOpened([]),
        tiny,
        ChosenBackend(backend=Refusing(), reason=""),
        tiny.decision,
        [EventQueue(drop_oldest=True)],
    )
    pipeline.start()
    with pytest.raises(BackendError, match="no"):
        pipeline.join(timeout_s=10)


def test_lost_samples_become_a_gap_event_and_pass_in_time(tiny: ModelManifest) -> None:
    noise = white_noise(1.2)
    lossy = Block(samples=noise, lost_samples=3_000, overflows=2)
    events, windows = run(tiny, FakeSource([Block(samples=noise), lossy]))
    (gap,) = [event for event in events if isinstance(event, Gap)]
    assert (gap.end_sample, gap.lost_samples) == (22_200, 3_000)
    end = stopped(events)
    assert end.stats.end_sample == 41_400
    assert (end.stats.lost_samples, end.stats.overflows) == (3_000, 2)
    ends = [window.posteriors.end_sample for window in windows]
    # No window holds samples from both sides of 19,200 to 22,200.
    assert ends == [16_000, 17_600, 19_200, 38_400, 40_000]


def test_the_audio_is_handed_on_with_its_gaps_and_no_longer_than_it_is_heard(
    tiny: ModelManifest,
) -> None:
    noise = white_noise(1.2)
    told: list[tuple[int, int]] = []
    pipeline = Pipeline(
        FakeSource([Block(samples=noise), Block(samples=noise, lost_samples=3_000)]),
        tiny,
        choose_backend("cpu", tiny),
        tiny.decision,
        [EventQueue(drop_oldest=True)],
        stop_rule=StopRule(samples=30_000),
        on_audio=lambda samples, lost: told.append((len(samples), lost)),
    )
    pipeline.start()
    pipeline.join(timeout_s=30)
    assert [lost for _, lost in told if lost] == [3_000]
    assert sum(n for n, _ in told) == 30_000 - 3_000


def test_a_live_source_reports_every_10_seconds_and_counts_skipped(tiny: ModelManifest) -> None:
    blocks = cut(white_noise(25), 3_200)
    events, windows = run(tiny, FakeSource(blocks, is_live=True))
    stats = [event for event in events if isinstance(event, StreamStats)]
    assert [event.end_sample for event in stats] == [160_000, 320_000]
    end = stopped(events).stats
    assert end.windows == len(windows)
    assert end.skipped_windows == sum(window.skipped_windows for window in windows) > 0
    assert end.windows + end.skipped_windows == 241
    assert all(0 < low <= high for low, high in (stats[0].total_ms, stats[0].inference_ms))


def test_reports_may_come_more_often_and_tell_of_the_last_minute(tiny: ModelManifest) -> None:
    queue = EventQueue(1_000, drop_oldest=True)
    blocks = [Block(samples=b.samples, capture_s=float(i)) for i, b in enumerate(cut(silence(70)))]
    pipeline = Pipeline(
        FakeSource(blocks, is_live=True),
        tiny,
        choose_backend("cpu", tiny),
        tiny.decision,
        [queue],
        stats_every_s=0.5,
    )
    pipeline.start()
    pipeline.join(timeout_s=60)
    stats = [event for event in drain(queue) if isinstance(event, StreamStats)]
    assert [event.end_sample for event in stats] == [8_000 * (i + 1) for i in range(140)]
    assert stats[-1].capture_ms[0] == pytest.approx(1000 * (699 - 299.5))


def test_a_recording_is_never_reported_on_nor_skipped(tiny: ModelManifest) -> None:
    events, windows = run(tiny, FakeSource(cut(white_noise(12), 3_200)))
    assert not any(isinstance(event, StreamStats) for event in events)
    assert len(windows) == 111


def test_a_consumer_that_is_gone_holds_nobody_up(tiny: ModelManifest) -> None:
    queue = EventQueue(1, drop_oldest=False)
    pipeline, _ = make(tiny, FakeSource(cut(tone_stream())), queue=queue)
    pipeline.start()
    with pytest.raises(TimeoutError, match="did not end within"):
        pipeline.join(timeout_s=0.5)
    queue.close()
    pipeline.join(timeout_s=10)
    assert queue.dropped > 0


def test_no_thread_is_left(tiny: ModelManifest) -> None:
    run(tiny, FakeSource(cut(white_noise(1))))
    assert not [thread for thread in threading.enumerate() if thread.name == "scorer"]


def test_thresholds_change_while_it_listens(tiny: ModelManifest) -> None:
    pipeline, queue = make(tiny, FakeSource(cut(tone_stream())))
    points = {
        word: point.with_threshold(1.0) for word, point in tiny.decision.operating_points.items()
    }
    pipeline.set_decision(tiny.decision)
    pipeline.set_decision(replace(tiny.decision, operating_points=points))  # the newest counts
    with pytest.raises(ConfigError, match="'other' is not a label"):
        pipeline.set_decision(replace(tiny.decision, operating_points={"other": points["low"]}))
    pipeline.start()
    pipeline.join(timeout_s=30)
    assert not [event for event in drain(queue) if isinstance(event, Heard)]


def test_the_age_of_captured_samples_is_reported(tiny: ModelManifest) -> None:
    samples = tone_stream()[:32_000]
    blocks = [Block(samples=samples, capture_s=0.02), Block(samples=samples, capture_s=0.04)]
    events, _ = run(tiny, FakeSource(blocks))
    assert stopped(events).stats.capture_ms == (pytest.approx(30), pytest.approx(39.8))
    events, _ = run(tiny, FakeSource(cut(samples)))
    assert stopped(events).stats.capture_ms == (0, 0)


HANGING = """
import sys, time
from pathlib import Path
from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.pipeline import Pipeline

class Source:
    is_live, name, sample_rate_hz = True, "stuck", 16_000
    def __enter__(self): time.sleep(600)
    def __exit__(self, *_): pass

manifest = load_manifest(Path(sys.argv[1]))
chosen = choose_backend("cpu", manifest)
pipeline = Pipeline(Source(), manifest, chosen, manifest.decision, [])
pipeline.start()
pipeline.stop()
try:
    pipeline.join(0.2)
except TimeoutError as err:
    print(err)
"""


def test_a_driver_that_hangs_holds_up_no_end_of_the_program(tiny_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGING, str(tiny_folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "the scorer thread did not end within 0.2 s\n"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_device_that_goes_and_comes_back_is_told_with_its_gap(tiny: ModelManifest) -> None:
    nothing = np.empty(0, np.float32)
    blocks = [
        *cut(tone_stream()[:16_000]),
        Block(samples=nothing, lost_device="it is gone"),
        Block(samples=nothing),
        Block(samples=nothing, lost_samples=48_000, lost_reason="why", device_back="another"),
        *cut(tone_stream()[: 2 * 16_000]),
    ]
    events, windows = run(tiny, FakeSource(blocks, is_live=True))
    told = [e for e in events if isinstance(e, DeviceLost | DeviceBack | Gap)]
    assert told == [
        DeviceLost(end_sample=16_000, device="fake", reason="it is gone"),
        DeviceBack(end_sample=64_000, device="another"),
        Gap(end_sample=64_000, lost_samples=48_000, reason="why"),
    ]
    assert windows[-1].posteriors.end_sample == 96_000


def test_the_first_failure_is_raised_whichever_thread_it_came_from(tiny: ModelManifest) -> None:
    source = FakeSource([], endless=True, is_live=True)
    pipeline, queue = make(tiny, source)
    pipeline.start()
    first = SourceError("the first")
    pipeline.fail(first)
    pipeline.fail(SourceError("the second"))
    with pytest.raises(SourceError, match="the first"):
        pipeline.join(10)
    assert pipeline.failure is first
    *_, last = drain(queue)
    assert isinstance(last, Stopped)
    assert last.reason == "failed"


def test_trouble_and_drift_of_a_device_are_told(tiny: ModelManifest) -> None:
    trouble = Trouble(kind="zeros", text="it is muted", is_over=True)
    blocks = [
        Block(samples=silence(1), clock_ppm=-40.0),
        Block(samples=silence(1), trouble=trouble),  # a gap in what is known is no change
    ]
    pipeline, queue = make(tiny, FakeSource(blocks, is_live=True))
    pipeline.start()
    pipeline.join(10)
    events = drain(queue)
    assert (
        DeviceTrouble(
            end_sample=16_000, device="fake", kind="zeros", reason="it is muted", is_over=True
        )
        in events
    )
    assert isinstance(events[-1], Stopped)
    assert events[-1].stats.clock_ppm == -40.0
