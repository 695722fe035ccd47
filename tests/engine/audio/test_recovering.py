"""A device that goes and comes back, on a clock of the test."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

import numpy as np
import pytest

from engine.audio.recovering import RecoveringSource
from engine.audio.source import Block, Trouble
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

    def __init__(self, world: "World", kind: str, *, is_known: bool = False) -> None:
        self.kind = self.wanted = kind
        self.is_known = is_known
        self.name = f"{kind} {len(world.made)}"
        self._world = world
        self.is_open = False
        world.made.append(self)

    def again(self) -> "Device":
        return Device(self._world, self.kind, is_known=self.is_known)

    def __enter__(self) -> Self:
        self._world.answers.wait(10)
        if self.kind in self._world.away:
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

    def close(self) -> None:
        self.is_open = False


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.away: set[str] = set()
        self.level = 0.1
        self.is_blind = False
        self.capture_s: float | None = None
        self.answers = threading.Event()
        self.answers.set()
        self.made: list[Device] = []
        self.watches: list[Watch] = []


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(world: World) -> RecoveringSource:
    return RecoveringSource(
        Device(world, "mic"),
        16_000,
        watch=lambda devices: Watch(world, devices),
        clock=world.clock.read,
        sleep=world.clock.sleep,
    )


@pytest.fixture
def backed(world: World) -> RecoveringSource:
    """One with a fallback."""
    return RecoveringSource(
        Device(world, "mic"),
        16_000,
        fallback=Device(world, "other"),
        watch=lambda devices: Watch(world, devices),
        clock=world.clock.read,
        sleep=world.clock.sleep,
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
    assert not world.made[0].is_open


def test_a_device_that_was_never_there_is_an_error(world: World, source: RecoveringSource) -> None:
    world.away = {"mic"}
    with pytest.raises(DeviceError, match="there is no mic"):
        source.__enter__()
    assert len(world.made) == 1


def test_lost_and_back_with_the_time_that_passed(world: World, source: RecoveringSource) -> None:
    with source:
        source.read()
        heard_at_s = world.clock.now_s
        world.away = {"mic"}
        lost = source.read()
        assert lost.lost_device == "'mic 0' has delivered no audio for 2 s"
        assert not world.made[0].is_open
        for _ in range(200):
            block = source.read()
            assert (len(block.samples), block.lost_samples, block.device_back) == (0, 0, "")
        world.away = set()
        returned_s = world.clock.now_s
        back = read_until(source, lambda block: block.device_back)
        assert back.device_back == source.name == world.made[-1].name
        assert world.clock.now_s - returned_s < 2
        passed_s = world.clock.now_s - heard_at_s
        assert back.lost_samples + len(back.samples) == round(passed_s * 16_000)
        assert len(back.samples) == 320  # the gap ends where its audio begins
        # Once more: what was counted is not counted again.
        world.away = {"mic"}
        source.read()
        world.away = set()
        again = read_until(source, lambda block: block.device_back)
        assert again.lost_samples < 6 * 16_000
    assert not [device for device in world.made if device.is_open]


def test_one_that_is_not_seen_is_tried_twice_a_minute(
    world: World, source: RecoveringSource
) -> None:
    with source:
        source.read()
        world.away = {"mic"}
        world.is_blind = True
        source.read()
        began_s, before = world.clock.now_s, len(world.made)
        while world.clock.now_s < began_s + 300:
            source.read()
        assert 9 <= len(world.made) - before <= 11
        world.away = set()
        read_until(source, lambda block: block.device_back)
    assert not [watch for watch in world.watches if watch.is_open]


def test_one_that_is_seen_and_does_not_open_is_tried_ever_less(
    world: World, source: RecoveringSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "is_there", lambda self: True)
    with source:
        source.read()
        world.away = {"mic"}
        source.read()
        began_s, before = world.clock.now_s, len(world.made)
        while world.clock.now_s < began_s + 60:
            source.read()
        assert 60 / 4.8 <= len(world.made) - before <= 5 + 60 / 3.2


def test_a_driver_that_hangs_holds_up_nothing(world: World, source: RecoveringSource) -> None:
    with source:
        source.read()
        world.away = {"mic"}
        source.read()
        world.answers.clear()
        read_until(source, lambda _: len(world.made) > 1)
        began = time.monotonic()
        source.read()
        assert time.monotonic() - began < 0.5
    world.away = set()
    world.answers.set()  # it opens when nobody wants it any more
    deadline = time.monotonic() + 5
    while any(thread.name == "reopen" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not [device for device in world.made if device.is_open]


def test_the_fallback_is_heard_meanwhile(world: World, backed: RecoveringSource) -> None:
    with backed:
        backed.read()
        world.away = {"mic"}
        assert backed.read().lost_device == "'mic 0' has delivered no audio for 2 s"
        lost_s = world.clock.now_s
        instead = read_until(backed, lambda block: block.device_back)
        assert instead.device_back == backed.name == "other 3"
        assert world.clock.now_s - lost_s < 1
        for _ in range(100):
            assert len(backed.read().samples) == 320
        assert [watch.wanted for watch in world.watches] == [{"mic"}]
        heard_at_s = world.clock.now_s
        world.away = set()
        back = read_until(backed, lambda block: block.device_back)
        assert back.device_back == backed.name == "mic 4"
        passed_s = world.clock.now_s - heard_at_s
        assert back.lost_samples + len(back.samples) == round(passed_s * 16_000)
        assert passed_s < 0.3
    assert not [watch for watch in world.watches if watch.is_open]


def test_the_end_while_the_fallback_is_open_ends_the_watch(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        assert world.watches[-1].is_open
    assert not world.watches[-1].is_open


def test_the_fallback_is_tried_with_the_device_whenever_that_is(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.away, world.is_blind = {"mic", "other"}, True
        backed.read()
        for _ in range(100):
            backed.read()
        world.away = {"mic"}
        began_s = world.clock.now_s
        assert read_until(backed, lambda block: block.device_back).device_back[:5] == "other"
        assert world.clock.now_s - began_s < 35


def test_the_device_that_was_open_is_the_one_that_is_looked_for(
    world: World, source: RecoveringSource
) -> None:
    """By its name and host API, which it knows since then."""
    with source:
        source.read()
        for _ in range(2):
            world.away = {"mic"}
            source.read()
            world.away = set()
            read_until(source, lambda block: block.device_back)
    assert [device.is_known for device in world.made[1:]] == [True] * len(world.made[1:])


def test_the_gap_is_between_sounds_and_not_between_deliveries(
    world: World, source: RecoveringSource
) -> None:
    with source:
        world.capture_s = 0.1
        source.read()
        heard_s = world.clock.now_s - 0.1
        world.away = {"mic"}
        source.read()
        world.away, world.capture_s = set(), 0.3
        back = read_until(source, lambda block: block.device_back)
        passed_s = world.clock.now_s - 0.3 - heard_s
        assert back.lost_samples + len(back.samples) == round(passed_s * 16_000)


def test_a_fallback_that_is_lost_gives_way_to_whatever_is_there(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        world.away = {"mic", "other"}
        assert backed.read().lost_device == "'other 3' has delivered no audio for 2 s"
        for _ in range(100):
            assert not len(backed.read().samples)
        world.away = {"other"}
        assert read_until(backed, lambda block: block.device_back).device_back[:3] == "mic"


@pytest.mark.parametrize("opens", [False, True])
def test_a_device_that_was_seen_and_is_no_use(
    world: World, backed: RecoveringSource, monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    if opens:  # and delivers nothing

        def enter(device: Device) -> Device:
            device.is_open = True
            return device

        real = Device.__enter__
        monkeypatch.setattr(
            Device, "__enter__", lambda self: (enter if self.kind == "mic" else real)(self)
        )
    with backed:
        backed.read()
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        monkeypatch.setattr(Watch, "is_there", lambda self: True)
        left_at_s = []
        for _ in range(3):  # it is left for the other one, which is no use
            instead = read_until(backed, lambda block: block.device_back)
            assert instead.device_back.startswith("other")
            left_at_s.append(world.clock.now_s)
        assert np.diff(left_at_s).min() >= 30


def test_a_start_without_the_device_that_is_wanted(world: World, backed: RecoveringSource) -> None:
    world.away = {"mic"}
    with backed:
        assert backed.name == "other 2"
        told = backed.read()
        assert told.trouble == Trouble(
            kind="fallback", text="there is no mic. Listening to 'other 2' until it is there"
        )
        assert len(backed.read().samples) == 320
        world.away = set()
        assert read_until(backed, lambda block: block.device_back).device_back == "mic 3"


def test_a_start_without_any_device(world: World, backed: RecoveringSource) -> None:
    world.away = {"mic", "other"}
    with pytest.raises(DeviceError, match="there is no mic"):
        backed.__enter__()


def test_one_that_opens_and_delivers_nothing_is_not_back(
    world: World, source: RecoveringSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    with source:
        source.read()
        world.away = {"mic"}
        assert source.read().lost_device
        monkeypatch.setattr(Device, "__enter__", lambda self: self)  # opens, though it is away
        for _ in range(200):
            block = source.read()
            assert (len(block.samples), block.lost_device, block.device_back) == (0, "", "")


def test_a_silent_device_is_told_and_opened_anew_once(
    world: World, source: RecoveringSource
) -> None:
    with source:
        source.read()
        world.level = 0.0
        silent_s = world.clock.now_s
        told = read_until(source, lambda block: block.trouble)
        assert told.trouble is not None
        assert (told.trouble.kind, told.trouble.is_over) == ("zeros", False)
        assert "nothing but zeros for 10 s: it may be muted" in told.trouble.text
        assert world.clock.now_s - silent_s == pytest.approx(10, abs=0.1)
        lost = read_until(source, lambda block: block.lost_device)
        assert lost.lost_device == "'mic 0' delivers nothing but zeros; it is opened anew"
        assert world.clock.now_s - silent_s == pytest.approx(20, abs=0.2)
        assert read_until(source, lambda block: block.device_back).device_back == "mic 1"
        for _ in range(5_000):  # 100 s
            block = source.read()
            assert (block.lost_device, block.trouble) == ("", None)
        world.level = 0.1
        over = source.read()
        assert over.trouble == Trouble(
            kind="zeros", text="'mic 1' delivers audio again", is_over=True
        )


def test_a_microphone_that_is_silent_between_words_is_told_of_ever_less(
    world: World, source: RecoveringSource
) -> None:
    told = 0
    with source:
        for _ in range(20):
            world.level = 0.0
            for _ in range(15 * 50):
                block = source.read()
                told += block.trouble is not None
                assert not block.lost_device
            world.level = 0.1
            told += source.read().trouble is not None
    assert told == 2  # one silence, and its end
