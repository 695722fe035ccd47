"""A device that goes and comes back, on a clock of the test."""

import threading
import time

import pytest
from device_world import Device, Watch, World, read_until

from engine.audio.recovering import RecoveringSource
from engine.audio.source import Trouble
from engine.errors import DeviceError, SourceError


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


@pytest.mark.parametrize("held_up", [False, True])
def test_one_that_is_not_seen_is_tried_ever_less(
    world: World, source: RecoveringSource, held_up: bool
) -> None:
    """Devices are listed anew only where nothing holds that up."""
    with source:
        source.read()
        world.away = {"mic"}
        world.is_blind, world.is_listing_held_up = True, held_up
        source.read()
        began_s, before = world.clock.now_s, len(world.made)
        while world.clock.now_s < began_s + 300:
            source.read()
        made = world.made[before:]
        listed = [device for device in made if device.looked_again]
        assert 12 <= len(made) - len(listed) <= 15
        assert len(listed) == (0 if held_up else len(made) // 2)
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
        # Each time from the list as it is, and once more from a new one.
        assert 60 / 4.8 <= (len(world.made) - before) / 2 <= 5 + 60 / 3.2


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


@pytest.mark.parametrize("call", ["__enter__", "__exit__"])
def test_what_no_other_try_would_mend_ends_it(
    world: World, source: RecoveringSource, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def beyond_help(*_: object) -> None:
        raise SourceError("PortAudio runs in circles")

    with source:
        source.read()
        world.away = {"mic"}
        if call == "__exit__":
            monkeypatch.setattr(Device, call, beyond_help)
            with pytest.raises(SourceError, match="in circles"):
                source.read()
            return
        source.read()
        world.away = set()
        monkeypatch.setattr(Device, call, beyond_help)
        with pytest.raises(SourceError, match="in circles"):
            read_until(source, lambda block: block.device_back)


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
        back = read_until(source, lambda block: block.device_back)
        assert back.device_back == "mic 1"
        assert back.trouble is not None  # it is no better
        assert "'mic 1' has delivered nothing but zeros for 20 s" in back.trouble.text
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


def test_one_long_silence_does_not_make_it_deaf_to_the_next(
    world: World, source: RecoveringSource
) -> None:
    with source:
        for silence_s in (9, 17, 33, 65, 129, 257):  # each too short to be told
            world.level = 0.0
            for _ in range(silence_s * 50):
                assert source.read().trouble is None
            world.level = 0.1
            source.read()
        world.level = 0.0
        silent_s = world.clock.now_s
        read_until(source, lambda block: block.trouble, most=20_000)
        assert world.clock.now_s - silent_s == pytest.approx(300, abs=1)


def test_what_cannot_be_closed_keeps_nobody_from_the_end(
    world: World, source: RecoveringSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beyond_help(*_: object) -> None:
        raise SourceError("PortAudio runs in circles")

    with source:
        source.read()
        monkeypatch.setattr(Device, "__exit__", beyond_help)
