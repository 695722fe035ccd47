"""A scorer that is too slow: what it hears stays fresh, and what it passes over is counted.

The clock is the test's, so the figures are exact on any machine.
"""

import tracemalloc
from typing import Self

import numpy as np
import pytest

from engine.audio.paced import PacedSource
from engine.audio.source import Block
from engine.backends import ChosenBackend
from engine.consumers import EventQueue
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import Float32, Stopped

RATE_HZ = 16_000


class Endless:
    """Noise without an end."""

    name = "noise"
    is_live = False
    sample_rate_hz = RATE_HZ

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._samples = (0.1 * rng.standard_normal(1_600)).astype(np.float32)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self) -> Block:
        return Block(samples=self._samples)


class Slow:
    """A backend that takes its time, on the clock of the test."""

    name = "slow"

    def __init__(self, now_s: list[float], takes_s: float, labels: int) -> None:
        self._now_s = now_s
        self._takes_s = takes_s
        self._labels = labels

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def infer(self, model_inputs: Float32) -> Float32:
        self._now_s[0] += self._takes_s
        return np.zeros((len(model_inputs), self._labels), np.float32)


@pytest.mark.parametrize("hops", [0.5, 1.5, 3.0, 12.0])
def test_the_newest_window_is_scored_and_the_others_are_counted(
    tiny: ModelManifest, hops: float
) -> None:
    hop_s = tiny.windows.hop_samples / RATE_HZ
    inference_s = hops * hop_s
    now_s = [0.0]
    seconds, count = 300, 0
    ages_s, sizes = np.zeros(seconds * 10), np.zeros(seconds * 10)  # the watching grows no more

    def see(scored: ScoredWindow) -> None:
        nonlocal count
        ages_s[count] = now_s[0] - scored.posteriors.end_sample / RATE_HZ
        sizes[count] = tracemalloc.get_traced_memory()[0]
        count += 1

    source = PacedSource(
        Endless(),
        RATE_HZ,
        clock=lambda: now_s[0],
        sleep=lambda seconds: now_s.__setitem__(0, now_s[0] + seconds),
    )
    queue = EventQueue(drop_oldest=True)
    pipeline = Pipeline(
        source,
        tiny,
        ChosenBackend(backend=Slow(now_s, inference_s, len(tiny.labels)), reason="for the test"),
        tiny.decision,
        [queue],
        stop_rule=StopRule(samples=seconds * RATE_HZ),
        on_window=see,
    )
    tracemalloc.start()
    try:
        pipeline.start()
        pipeline.join(60)
    finally:
        tracemalloc.stop()
    while not isinstance(event := queue.get(1), Stopped):
        assert event is not None
    # The last block is cut where the time is over.
    assert max(ages_s[: count - 1]) <= 2 * hop_s + inference_s
    stats = event.stats
    assert stats.windows == count
    window_s = tiny.windows.window_samples / RATE_HZ
    grid = round((stats.end_sample / RATE_HZ - window_s) / hop_s) + 1
    assert grid - stats.windows - stats.skipped_windows in (0, 1)  # the last may be on its way
    assert (stats.skipped_windows == 0) == (hops < 1)
    assert stats.lost_samples == 0
    # Counters, and deques that are full after 600 windows.
    half = count // 2
    assert max(sizes[half:count]) - max(sizes[: half + 1]) < 50_000
