"""The threaded shell: order of events, clean ends, counted losses."""

import threading
from dataclasses import replace
from typing import Self

import numpy as np
import pytest
from pipelines import FakeSource, cut, drain, make, run, stopped
from signals import silence, tone_stream, white_noise

from engine.audio.source import Block
from engine.backends import ChosenBackend, choose_backend
from engine.consumers import EventQueue
from engine.errors import BackendError, ConfigError, SourceError
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline, StopRule
from engine.types import (
    Gap,
    Heard,
    Started,
    Stopped,
    StreamStats,
)


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
