"""A recording at the speed of a microphone, on a clock of the test."""

from typing import Self

import numpy as np
import pytest

from engine.audio.paced import PacedSource
from engine.audio.source import Block


class Counting:
    """Delivers the numbers 0, 1, 2 ... in blocks of 1,600."""

    is_live = False
    name = "counting"
    sample_rate_hz = 44_100

    def __init__(self, n: int) -> None:
        self._left = np.arange(n, dtype=np.float32)
        self.is_open = False

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_open = False

    def read(self) -> Block | None:
        if len(self._left) == 0:
            return None
        block, self._left = self._left[:1_600], self._left[1_600:]
        return Block(samples=block)


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds <= 0.2
        self.now_s += seconds


def paced(n: int) -> tuple[PacedSource, Clock, Counting]:
    clock, inner = Clock(), Counting(n)
    return PacedSource(inner, 16_000, clock=clock.read, sleep=clock.sleep), clock, inner


def test_every_sample_comes_once_and_not_before_its_time() -> None:
    source, clock, inner = paced(16_000)
    parts = []
    with source:
        assert inner.is_open
        while (block := source.read()) is not None:
            parts.append(block.samples)
            assert sum(map(len, parts)) <= (clock.now_s - 100) * 16_000 + 1
    assert not inner.is_open
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(16_000))
    assert clock.now_s - 100 == pytest.approx(1, abs=0.001)


def test_blocks_are_20_ms_while_the_reader_keeps_up() -> None:
    source, _, _ = paced(16_000)
    with source:
        lengths = [len(source.read().samples) for _ in range(10)]
    assert all(319 <= n <= 321 for n in lengths)


def test_a_late_reader_gets_all_that_is_due() -> None:
    source, clock, _ = paced(48_000)
    with source:
        clock.now_s += 1.5
        assert len(source.read().samples) == 24_000


def test_it_is_live_and_bears_the_name_of_the_source_within() -> None:
    source, _, _ = paced(1)
    assert (source.is_live, source.name, source.sample_rate_hz) == (True, "counting", 44_100)


def test_a_held_source_goes_on_where_it_was() -> None:
    source, clock, _ = paced(16_000)
    parts = []
    with source:
        parts.extend([source.read().samples for _ in range(5)])
        source.hold()
        source.hold()
        held_s = clock.now_s
        for _ in range(10):
            assert len(source.read().samples) == 0  # after a moment, not at once
        assert clock.now_s - held_s == pytest.approx(2)
        clock.now_s += 60
        source.go_on()
        source.go_on()
        while (block := source.read()) is not None:
            parts.append(block.samples)
            assert len(block.samples) <= 321
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(16_000))
    assert clock.now_s - 100 == pytest.approx(63, abs=0.001)


def test_less_may_be_due_than_was_delivered() -> None:
    """`go_on` comes between two looks at the clock."""
    source, _, _ = paced(16_000)
    with source:
        first = source.read().samples
        source._due = lambda: 0  # type: ignore[method-assign]
        assert len(source.read().samples) == 0
        del source._due  # type: ignore[attr-defined]
        second = source.read().samples
    np.testing.assert_array_equal(second[:5], len(first) + np.arange(5))
