"""A ledger that cannot be written does not end what is listened to, and is tried again."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pytest

from engine.errors import ConfigError, KwsError
from kws_app.ledger.output import LedgerOutput

RATE_HZ = 100  # of the test: 300 s are 30,000 samples
SECOND = np.zeros(RATE_HZ, np.float32)


class Keeper:
    """Fails when it is told to, at the start or later."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.heard: list[tuple[int, int]] = []
        self.seen = 0
        self.is_open = False
        world.keepers.append(self)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def begin(self, lock_wait_s: float = 10) -> None:
        self._world.waits_s.append(lock_wait_s)
        if self._world.is_wrong:
            raise ConfigError("it holds other things")
        if self._world.is_full:
            raise KwsError("the disk is full")
        self.is_open = True

    def hear(self, samples: np.ndarray, lost_samples: int) -> None:
        if self._world.is_full:
            raise KwsError("the disk is full")
        self.heard.append((len(samples), lost_samples))

    def see(self, scored: object) -> None:
        self.seen += 1

    def __exit__(self, *exc_info: object) -> None:
        assert self.is_open
        self.is_open = False
        if self._world.is_full:
            raise KwsError("the disk is still full")


class World:
    def __init__(self) -> None:
        self.is_full = self.is_wrong = False
        self.waits_s: list[float] = []
        self.keepers: list[Keeper] = []
        self.told: list[str] = []

    def output(self, *, goes_on: bool = True) -> LedgerOutput:
        make: Callable[[], Any] = lambda: Keeper(self)  # noqa: E731
        return LedgerOutput(make, RATE_HZ, self.told.append, goes_on=goes_on)


@pytest.fixture
def world() -> World:
    return World()


def test_it_goes_on_and_is_tried_again_every_five_minutes(world: World) -> None:
    with world.output() as output:
        for _ in range(10):
            output.hear(SECOND, 0)
        output.see(None)
        world.is_full = True
        output.hear(SECOND, 50)
        assert world.told == [
            "the disk is full; listening goes on, and it is tried again in 5 minutes"
        ]
        assert not output.is_keeping
        for _ in range(650):
            output.hear(SECOND, 0)
            output.see(None)
        assert [keeper.is_open for keeper in world.keepers] == [False] * 3  # once, then twice more
        world.is_full = False
        for _ in range(300):
            output.hear(SECOND, 7)
        assert output.is_keeping
        output.see(None)
        newest = world.keepers[-1]
        # Time goes on where the stream is: what passed meanwhile is lost to it.
        passed = sum(sum(pair) for pair in newest.heard)
        assert passed == 10 * 100 + 150 + 650 * 100 + 300 * 107
        assert newest.heard[1:] == [(100, 7)] * (len(newest.heard) - 1)
        assert (world.keepers[0].seen, newest.seen) == (1, 1)
        assert len(world.told) == 1
    assert not newest.is_open
    assert world.waits_s == [10, 0.3, 0.3, 0.3]  # what is scored does not wait long
    assert str(output.failure) == "the disk is full"


def test_a_recording_can_be_read_again(world: World) -> None:
    def fill() -> None:
        with world.output(goes_on=False) as output:
            world.is_full = True
            output.hear(SECOND, 0)

    with pytest.raises(KwsError, match="the disk is still full"):
        fill()
    assert len(world.keepers) == 1


def test_one_that_can_never_begin_is_an_error_before_anything_is_heard(world: World) -> None:
    world.is_wrong = True
    with pytest.raises(ConfigError, match="it holds other things"):
        world.output().__enter__()


def test_a_disk_that_is_full_at_the_start_is_no_reason_not_to_listen(world: World) -> None:
    world.is_full = True
    with world.output() as output:
        assert not output.is_keeping
        assert world.told == [
            "the disk is full; listening goes on, and it is tried again in 5 minutes"
        ]
        world.is_full = False
        for _ in range(302):
            output.hear(SECOND, 0)
        assert output.is_keeping
        assert world.keepers[-1].heard == [(100, 30_000), (100, 0)]
    assert str(output.failure) == "the disk is full"
    world.is_full = True
    with pytest.raises(KwsError, match="the disk is full"):
        world.output(goes_on=False).__enter__()
