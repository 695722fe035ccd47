"""A device that goes and comes back, on a clock of the test."""

import threading
import time
from collections.abc import Callable
from typing import Self

import numpy as np
import pytest

from engine.audio.recovering import RecoveringSource
from engine.audio.source import Block
from engine.errors import DeviceError


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def read(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


class Device:
    """Delivers 20 ms at each look, until it is pulled out."""

    is_live = True
    sample_rate_hz = 48_000

    def __init__(self, world: "World", name: str) -> None:
        self.name = name
        self._world = world
        self.is_open = False

    def __enter__(self) -> Self:
        self._world.answers.wait(10)
        if not self._world.is_there:
            raise DeviceError("there is no input device")
        self.is_open = True
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.is_open = False

    def read(self) -> Block | None:
        if not self._world.is_there:
            self._world.clock.now_s += 3
            raise DeviceError(f"{self.name!r} has delivered no audio for 3 s")
        self._world.clock.now_s += 0.02
        return Block(samples=np.full(320, 0.1, np.float32))


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.is_there = True
        self.answers = threading.Event()
        self.answers.set()
        self.made: list[Device] = []
        self.looked_again: list[bool] = []

    def open_device(self, look_again: bool) -> Device:
        self.looked_again.append(look_again)
        self.made.append(Device(self, f"mic {len(self.made)}"))
        return self.made[-1]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(world: World) -> RecoveringSource:
    return RecoveringSource(
        world.open_device, 16_000, clock=world.clock.read, sleep=world.clock.sleep
    )


def read_until(source: RecoveringSource, done: Callable[[Block], object]) -> Block:
    for _ in range(10_000):
        block = source.read()
        if done(block):
            return block
    raise AssertionError("it never came")


def test_what_is_there_is_passed_on(world: World, source: RecoveringSource) -> None:
    with source:
        assert (source.name, source.sample_rate_hz) == ("mic 0", 48_000)
        assert len(source.read().samples) == 320
    assert world.looked_again == [False]
    assert not world.made[0].is_open


def test_a_device_that_was_never_there_is_an_error(world: World, source: RecoveringSource) -> None:
    world.is_there = False
    with pytest.raises(DeviceError, match="no input device"):
        source.__enter__()
    assert len(world.made) == 1


def test_lost_and_back_with_the_time_that_passed(world: World, source: RecoveringSource) -> None:
    with source:
        source.read()
        heard_at_s = world.clock.now_s
        world.is_there = False
        lost = source.read()
        assert lost.lost_device == "'mic 0' has delivered no audio for 3 s"
        assert not world.made[0].is_open
        for _ in range(200):
            block = source.read()
            assert (len(block.samples), block.lost_samples, block.device_back) == (0, 0, "")
        world.is_there = True
        returned_s = world.clock.now_s
        back = read_until(source, lambda block: block.device_back)
        assert back.device_back == source.name == world.made[-1].name
        assert world.clock.now_s - returned_s < 2
        passed_s = world.clock.now_s - heard_at_s
        assert back.lost_samples == round(passed_s * 16_000)
        assert len(source.read().samples) == 320
        # Once more: what was counted is not counted again.
        world.is_there = False
        source.read()
        world.is_there = True
        again = read_until(source, lambda block: block.device_back)
        assert again.lost_samples < 6 * 16_000
    assert all(world.looked_again[1:])
    assert not [device for device in world.made if device.is_open]


def test_it_is_not_asked_for_without_a_pause(world: World, source: RecoveringSource) -> None:
    with source:
        source.read()
        world.is_there = False
        source.read()
        began_s, before = world.clock.now_s, len(world.made)
        while world.clock.now_s < began_s + 60:
            source.read()
        assert 60 / 1.8 - 5 <= len(world.made) - before <= 60 / 1.2 + 5


def test_a_driver_that_hangs_holds_up_nothing(world: World, source: RecoveringSource) -> None:
    with source:
        source.read()
        world.is_there = False
        source.read()
        world.answers.clear()
        read_until(source, lambda _: len(world.made) > 1)
        began = time.monotonic()
        source.read()
        assert time.monotonic() - began < 0.5
    world.is_there = True
    world.answers.set()  # it opens when nobody wants it any more
    deadline = time.monotonic() + 5
    while any(thread.name == "reopen" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not [device for device in world.made if device.is_open]
