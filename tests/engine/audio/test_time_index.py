"""Where the samples of a microphone lie in time, through resampling and losses."""

from collections.abc import Callable

import numpy as np
import pytest
from device_world import Clock
from fake_sounddevice import FakeSounddevice

from engine.audio import microphone
from engine.audio.microphone import MicrophoneSource
from engine.audio.recovering import RecoveringSource
from engine.audio.source import MonoResampler

RATE_HZ = 48_000
BLOCK = 960  # 20 ms


class NoWatch:
    def is_there(self) -> bool:
        return True

    def close(self) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(microphone.time, "monotonic", made.read)
    monkeypatch.setattr(microphone.time, "sleep", made.sleep)
    return made


@pytest.fixture
def deliver(portaudio: FakeSounddevice, clock: Clock) -> Callable[[], None]:
    """20 ms of noise, which take 20 ms."""
    rng = np.random.default_rng(0)

    def one() -> None:
        clock.now_s += BLOCK / RATE_HZ
        portaudio.streams[-1].deliver(rng.uniform(-0.5, 0.5, BLOCK))

    return one


@pytest.mark.usefixtures("portaudio")
def test_the_age_of_a_block_is_that_of_the_newest_sample_in_it(
    deliver: Callable[[], None],
) -> None:
    """What the resampler still holds is not in it."""
    heard, ages_s = 0, []
    with MicrophoneSource(None, 16_000) as source:
        for number in range(1, 101):
            deliver()
            block = source.read()
            assert block is not None
            heard += len(block.samples)
            if len(block.samples):
                held_s = number * BLOCK / RATE_HZ - heard / 16_000
                assert block.capture_s == pytest.approx(0.25 + held_s)  # the device's latency
                ages_s.append(block.capture_s)
    assert max(ages_s) - min(ages_s) > 0.01  # it does hold samples back


def test_nothing_is_held_where_nothing_is_resampled() -> None:
    resampler = MonoResampler(16_000, 16_000)
    resampler.convert(np.zeros((320, 1), np.float32))
    assert resampler.held_s == 0


def test_forty_losses_do_not_move_the_time_index(
    portaudio: FakeSounddevice, clock: Clock, deliver: Callable[[], None]
) -> None:
    rng = np.random.default_rng(1)
    source = RecoveringSource(
        MicrophoneSource(None, 16_000),
        16_000,
        watch=lambda _: NoWatch(),
        clock=clock.read,
        sleep=clock.sleep,
    )
    index = 0
    with source:
        began_s = clock.now_s
        for _ in range(40):
            for _ in range(rng.integers(20, 60)):
                deliver()
                block = source.read()
                index += block.lost_samples + len(block.samples)
            portaudio.streams[-1].end()
            while not source.read().lost_device:
                pass
            count = len(portaudio.streams)
            clock.now_s += rng.uniform(0.1, 3)
            while len(portaudio.streams) == count or not portaudio.streams[-1].is_started:
                source.read()
        deliver()
        block = source.read()
        while not block.device_back:
            deliver()
            block = source.read()
        index += block.lost_samples + len(block.samples)
        assert block.capture_s is not None
        passed_s = clock.now_s - block.capture_s - began_s
    # The device's latency lies before the first sample, too.
    assert index / 16_000 - passed_s - 0.25 == pytest.approx(0, abs=0.005)
