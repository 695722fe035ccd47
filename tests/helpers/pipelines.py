"""A source that plays what a test wants, and what a pipeline tells of it."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from engine.audio.source import Block
from engine.backends import choose_backend
from engine.consumers import EventQueue
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import (
    Event,
    Stopped,
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
