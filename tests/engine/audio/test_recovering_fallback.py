"""Another device is listened to while the one that is wanted is away."""

import numpy as np
import pytest
from device_world import Device, Watch, World, read_until

from engine.audio.recovering import RecoveringSource
from engine.audio.source import Trouble
from engine.errors import DeviceError


def test_the_fallback_is_heard_meanwhile(world: World, backed: RecoveringSource) -> None:
    with backed:
        backed.read()
        world.away = {"mic"}
        assert backed.read().lost_device == "'mic 0' has delivered no audio for 2 s"
        lost_s = world.clock.now_s
        instead = read_until(backed, lambda block: block.device_back)
        assert instead.device_back == backed.name == "other 2"
        assert world.clock.now_s - lost_s < 1
        # From the list as it is: a server that hangs would hold a new one up.
        assert [device.looked_again for device in world.made[2:]] == [False]
        assert instead.trouble == Trouble(
            kind="fallback", text="Listening to 'other 2' until 'mic 0' is there"
        )
        for _ in range(100):
            block = backed.read()
            assert (len(block.samples), block.trouble) == (320, None)
        assert [watch.wanted for watch in world.watches] == [{"mic"}]
        heard_at_s = world.clock.now_s
        world.away = set()
        back = read_until(backed, lambda block: block.device_back)
        assert back.device_back == backed.name == "mic 3"
        assert back.trouble == Trouble(kind="fallback", text="'mic 3' is there again", is_over=True)
        assert not world.made[-1].looked_again
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


def test_a_fallback_that_is_lost_gives_way_to_whatever_is_there(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        world.away = {"mic", "other"}
        assert backed.read().lost_device == "'other 2' has delivered no audio for 2 s"
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
        for _ in range(9):  # it is left for the other one, which is no use
            instead = read_until(backed, lambda block: block.device_back, most=100_000)
            assert instead.device_back.startswith("other")
            left_at_s.append(world.clock.now_s)
        waits_s = np.diff(left_at_s)
        assert 30 <= waits_s[0] < 45
        assert (waits_s[1:4] / waits_s[:3] > 1.5).all()  # ever less
        assert (np.abs(waits_s[-2:] - 605) < 15).all()


def test_a_start_without_the_device_that_is_wanted(world: World, backed: RecoveringSource) -> None:
    world.away = {"mic"}
    with backed:
        assert backed.name == "other 2"
        assert [device.looked_again for device in world.made] == [False] * 3
        told = backed.read()
        assert told.trouble == Trouble(
            kind="fallback", text="there is no mic. Listening to 'other 2' until 'mic 0' is there"
        )
        assert len(backed.read().samples) == 320
        world.away = set()
        back = read_until(backed, lambda block: block.device_back)
        assert (back.device_back, back.lost_reason) == ("mic 3", "the device was gone")
        assert back.trouble is not None
        assert (back.trouble.kind, back.trouble.is_over) == ("fallback", True)


def test_a_start_without_any_device(world: World, backed: RecoveringSource) -> None:
    world.away = {"mic", "other"}
    with pytest.raises(DeviceError, match="there is no mic"):
        backed.__enter__()


def test_the_silence_of_one_device_is_not_told_of_another(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.level = 0.0
        for _ in range(450):  # 9 s
            assert backed.read().trouble is None
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        for _ in range(450):
            assert backed.read().trouble is None
        world.away = set()
        read_until(backed, lambda block: block.device_back)
        for _ in range(450):
            assert backed.read().trouble is None
        told = read_until(backed, lambda block: block.trouble).trouble
        assert told is not None
        assert told.text.startswith("'mic 3' has delivered nothing but zeros for 10 s")


def test_a_silent_device_is_opened_anew_and_not_left_for_the_fallback(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.level = 0.0
        assert "it is opened anew" in read_until(backed, lambda b: b.lost_device).lost_device
        assert read_until(backed, lambda block: block.device_back).device_back == "mic 2"
        assert [device.kind for device in world.made] == ["mic", "other", "mic"]


def test_the_silence_of_the_fallback_begins_anew_with_it(
    world: World, backed: RecoveringSource
) -> None:
    with backed:
        backed.read()
        world.level = 0.0
        for _ in range(3):
            world.away = {"mic"}
            assert read_until(backed, lambda block: block.device_back).device_back[:5] == "other"
            for _ in range(400):  # 8 s
                assert backed.read().trouble is None
            world.away = set()
            read_until(backed, lambda block: block.device_back)


def test_the_fallback_is_told_once_and_its_end_once(world: World, backed: RecoveringSource) -> None:
    told = []

    def back() -> str:
        block = read_until(backed, lambda block: block.device_back)
        if block.trouble is not None:
            told.append((block.trouble.kind, block.trouble.is_over))
        return block.device_back[:3]

    with backed:
        backed.read()
        world.away = {"mic"}
        assert back() == "oth"
        world.away = {"mic", "other"}
        backed.read()
        world.away = {"mic"}
        assert back() == "oth"
        world.away = set()
        assert back() == "mic"
        world.away = {"mic", "other"}
        backed.read()
        world.away = set()
        assert back() == "mic"  # the other one is opened first, and left unheard
    assert told == [("fallback", False), ("fallback", True)]


def test_a_fallback_that_is_not_there_is_told_at_the_start(
    world: World, backed: RecoveringSource
) -> None:
    world.away = {"other"}
    with backed:
        assert backed.name == "mic 0"
        assert backed.read().trouble == Trouble(
            kind="no_fallback", text="the fallback device is not there: there is no other"
        )
        assert backed.read().trouble is None


def test_a_fallback_that_is_the_device_itself_is_told_and_ends_nothing(
    world: World, backed: RecoveringSource
) -> None:
    world.names["other"] = "mic"  # by another spelling
    with backed:
        assert backed.read().trouble == Trouble(
            kind="no_fallback",
            text="the fallback device is 'mic', the device itself; name another",
        )
        assert len(backed.read().samples) == 320


def test_one_that_does_not_answer_on_the_way_back_is_told(
    world: World, backed: RecoveringSource
) -> None:
    """The fallback has been left for it; it is heard again as soon as that is given up."""
    with backed:
        backed.read()
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        world.hanging = {"mic"}
        world.away = set()
        began_s = world.clock.now_s
        told = read_until(backed, lambda block: block.lost_device)
        assert told.lost_device == "'other 2' was left for 'mic 0', which does not answer"
        assert world.clock.now_s - began_s < 3
        world.hanging, world.away = set(), {"mic"}
        back = read_until(backed, lambda block: block.device_back)
        assert back.device_back.startswith("other")
        assert back.lost_samples / 16_000 >= 2


def test_one_that_was_heard_again_is_left_for_as_soon_as_before(
    world: World, backed: RecoveringSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_there = Watch.is_there

    def waits_s() -> float:
        """How long the fallback is kept after one that was no use."""
        world.away = {"mic"}
        read_until(backed, lambda block: block.device_back)
        monkeypatch.setattr(Watch, "is_there", lambda self: True)
        read_until(backed, lambda block: block.device_back)
        began_s = world.clock.now_s
        read_until(backed, lambda block: block.device_back)
        monkeypatch.setattr(Watch, "is_there", is_there)
        world.away = set()
        assert read_until(backed, lambda b: b.device_back).device_back[:3] == "mic"
        return world.clock.now_s - began_s

    with backed:
        backed.read()
        assert waits_s() == pytest.approx(waits_s(), abs=1)


def test_one_that_was_plugged_in_since_the_devices_were_listed(
    world: World, backed: RecoveringSource
) -> None:
    world.away = world.unlisted = {"mic"}
    with backed:
        backed.read()
        world.away = set()
        back = read_until(backed, lambda block: block.device_back)
        assert back.device_back.startswith("mic")
        assert [device.looked_again for device in world.made[-2:]] == [False, True]
