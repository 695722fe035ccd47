"""Devices that go and come back on a clock of the test."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np

from engine.audio.devices import InputDevice
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

    def __init__(
        self, world: "World", kind: str, *, is_known: bool = False, looked_again: bool = False
    ) -> None:
        self.kind = self.wanted = kind
        self.is_known, self.looked_again = is_known, looked_again
        self.name = f"{kind} {len(world.made)}"
        self._world = world
        self.is_open = False
        world.made.append(self)

    def find(self) -> InputDevice:
        if self.kind in self._world.away:
            raise DeviceError(f"there is no {self.kind}")
        return InputDevice(
            index=0,
            name=self._world.names.get(self.kind, self.kind),
            host_api="ALSA",
            channels=1,
            default_rate_hz=48_000,
            is_default=False,
        )

    def again(self, *, look_again: bool = True) -> "Device":
        return Device(self._world, self.kind, is_known=self.is_known, looked_again=look_again)

    def __enter__(self) -> Self:
        self._world.answers.wait(10)
        while self.kind in self._world.hanging:
            self._world.clock.now_s += 0.005
            time.sleep(0.001)
        is_listed = self.looked_again or self.kind not in self._world.unlisted
        if self.kind in self._world.away or not is_listed:
            raise DeviceError(f"there is no {self.kind}")
        assert not [device for device in self._world.made if device.is_open]
        self.is_open = self.is_known = True
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.is_open = False

    def read(self) -> Block | None:
        if self.kind in self._world.away:
            self._world.clock.now_s += 2
            raise DeviceError(f"{self.name!r} has delivered no audio for 2 s")
        self._world.clock.now_s += 0.02
        samples = np.full(320, self._world.level, np.float32)
        return Block(samples=samples, capture_s=self._world.capture_s)


class Watch:
    """Sees a device when it is there, unless it is blind."""

    def __init__(self, world: "World", devices: Sequence[Device]) -> None:
        self._world = world
        self.wanted = {device.wanted for device in devices}
        self.is_open = True
        world.watches.append(self)

    def is_there(self) -> bool:
        assert self.is_open
        return not self._world.is_blind and bool(self.wanted - self._world.away)

    def is_listing(self) -> bool:
        return not self._world.is_listing_held_up

    def close(self) -> None:
        self.is_open = False


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.away: set[str] = set()
        self.hanging: set[str] = set()
        self.unlisted: set[str] = set()  # till the devices are listed anew
        self.names: dict[str, str] = {}  # of kinds whose name is another one
        self.level = 0.1
        self.is_blind = self.is_listing_held_up = False
        self.capture_s: float | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.made: list[Device] = []
        self.watches: list[Watch] = []


def read_until(
    source: RecoveringSource, done: Callable[[Block], object], *, most: int = 10_000
) -> Block:
    for _ in range(most):
        block = source.read()
        if done(block):
            return block
    raise AssertionError("it never came")
