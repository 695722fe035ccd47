"""Where a device's samples lie in time, on callbacks that the test makes."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.audio.sample_clock import SampleClock

RATE_HZ = 48_000
BLOCK = 960  # 20 ms


class Device:
    """Calls back, late by a random moment, with a clock of its own."""

    def __init__(self, *, ppm: float = 0.0, rate: float = 1.0) -> None:
        self.clock = SampleClock(RATE_HZ)
        self.now_s = 1_000.0
        self.lost = 0
        self._block_s = BLOCK / RATE_HZ / rate / (1 + ppm * 1e-6)
        self._samples = 0
        self._rng = np.random.default_rng(0)

    def run(
        self, seconds: float, *, late: Callable[[], float] | None = None, overflow: bool = False
    ) -> None:
        for _ in range(round(seconds / self._block_s)):
            self.now_s += self._block_s
            self._samples += BLOCK
            late_s = late() if late else self._rng.exponential(0.003)
            lost = self.clock.add(self._samples, self.now_s + late_s, overflowed=overflow)
            assert lost >= 0
            self.lost += lost
            overflow = False


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 50.0, 1_000.0])
def test_the_drift_is_measured_through_late_callbacks(ppm: float) -> None:
    device = Device(ppm=ppm)
    device.run(55)
    assert device.clock.drift_ppm is None
    device.run(545)
    assert device.clock.drift_ppm == pytest.approx(ppm, abs=2)
    assert (device.lost, device.clock.measured_rate_hz) == (0, None)


def test_a_loss_does_not_bend_the_drift() -> None:
    device = Device(ppm=50)
    device.run(60)
    device.now_s += 0.4
    device.run(60)
    assert device.lost == pytest.approx(0.4 * RATE_HZ, abs=0.005 * RATE_HZ)
    assert device.clock.drift_ppm == pytest.approx(50, abs=20)


@pytest.mark.parametrize("each_s", [0.06, 0.1, 0.3])
@pytest.mark.parametrize("every_s", [0.1, 0.3, 0.5, 0.7, 1.1])
@pytest.mark.parametrize("count", [2, 5, 12, 60])
def test_losses_that_follow_each_other_are_counted(
    each_s: float, every_s: float, count: int
) -> None:
    device = Device(ppm=50)
    device.run(61.23)
    for _ in range(count):
        device.now_s += each_s
        device.run(every_s)
    device.run(5)
    # What is left below a tenth of a second is counted with the next loss.
    assert device.lost == pytest.approx(count * each_s * RATE_HZ, abs=0.13 * RATE_HZ)
    device.run(60)
    assert device.clock.measured_rate_hz is None
    assert device.clock.drift_ppm == pytest.approx(50, abs=400)


def test_a_loss_in_the_first_second_is_one() -> None:
    device = Device()
    device.run(0.5)
    device.now_s += 0.3
    device.run(5)
    assert device.lost == pytest.approx(0.3 * RATE_HZ, abs=0.01 * RATE_HZ)


def test_a_loss_that_is_said_counts_at_once_and_once() -> None:
    device = Device()
    device.run(5)
    device.now_s += 0.25
    device.run(0.02, overflow=True)
    assert device.lost == pytest.approx(0.25 * RATE_HZ, abs=0.03 * RATE_HZ)
    lost = device.lost
    device.run(20)
    assert device.lost == lost


def test_an_overflow_that_cost_nothing_is_no_loss() -> None:
    device = Device()
    device.run(5, late=lambda: 0.0)
    device.run(0.02, late=lambda: 0.004, overflow=True)
    assert device.lost == 0


@pytest.mark.parametrize("each_s", [0.0, 0.01, 0.02, 0.25])
@pytest.mark.parametrize("every_s", [0.1, 1.0, 3.0])
def test_how_late_it_is_said_does_not_add_up(each_s: float, every_s: float) -> None:
    device = Device()
    device.run(60)
    for _ in range(200):
        device.now_s += each_s
        device.run(0.02, overflow=True)
        device.run(every_s)
    assert device.lost == pytest.approx(200 * each_s * RATE_HZ, abs=0.03 * RATE_HZ)
    assert device.clock.drift_ppm == pytest.approx(0, abs=100)


def test_bursts_are_no_loss() -> None:
    """One second of audio a second: what comes first in a burst is late, the last is not."""
    device = Device()
    place = [0]

    def late() -> float:
        place[0] = (place[0] + 1) % 50
        return (49 - place[0]) * 0.02

    device.run(60, late=late)
    assert (device.lost, device.clock.measured_rate_hz) == (0, None)


def test_a_device_that_comes_nearer_has_lost_nothing() -> None:
    """A sound server that shortens its queue."""
    device = Device()
    device.run(10, late=lambda: 0.5)
    device.run(10, late=lambda: 0.1)
    assert device.lost == 0


def test_a_queue_that_grows_and_shrinks_again_and_again_counts_once() -> None:
    device = Device()
    device.run(10)
    for _ in range(20):
        device.run(3, late=lambda: 0.25)
        device.run(3)
    assert device.lost <= 0.26 * RATE_HZ
    device.now_s += 0.5  # and a loss is one all the same
    device.run(3)
    assert device.lost >= 0.48 * RATE_HZ


@pytest.mark.parametrize(
    ("queue_s", "drained_s", "every_s"), [(0.3, 60, 60), (0.12, 10, 120), (0.3, 60, 240)]
)
def test_a_queue_that_is_drained_slowly_counts_once(
    queue_s: float, drained_s: float, every_s: float
) -> None:
    """A sound server that resamples until it has caught up."""
    device = Device()
    device.run(300)
    for _ in range(10):
        held_s = [queue_s]

        def late(held_s: list[float] = held_s) -> float:
            held_s[0] = max(0.0, held_s[0] - queue_s / drained_s * BLOCK / RATE_HZ)
            return held_s[0]

        device.run(every_s, late=late)
    assert device.lost <= 1.1 * queue_s * RATE_HZ
    device.now_s += 0.7  # and a loss is one all the same
    device.run(5)
    assert device.lost >= 0.65 * RATE_HZ


def test_a_loss_that_is_said_leaves_the_queue_where_it_was() -> None:
    device = Device()
    device.run(60)

    def grow_and_drain() -> None:
        held_s = [0.3]

        def late() -> float:
            held_s[0] = max(0.0, held_s[0] - 0.3 / 20 * BLOCK / RATE_HZ)
            return held_s[0]

        device.run(60, late=late)

    grow_and_drain()
    device.now_s += 0.25
    device.run(0.02, overflow=True)
    device.run(30)
    grow_and_drain()
    assert device.lost == pytest.approx((0.3 + 0.25) * RATE_HZ, abs=0.03 * RATE_HZ)


@pytest.mark.parametrize("ppm", [-300.0, 300.0])
def test_losses_of_a_device_that_drifts_for_hours(ppm: float) -> None:
    device = Device(ppm=ppm)
    for hour in range(1, 4):
        device.run(3_600)
        device.now_s += 0.3
        device.run(5)
        assert device.lost == pytest.approx(hour * 0.3 * RATE_HZ, abs=hour * 0.02 * RATE_HZ)


def test_small_losses_add_up() -> None:
    device = Device()
    device.run(10)
    for _ in range(20):
        device.now_s += 0.09
        device.run(10)
    assert device.lost == pytest.approx(20 * 0.09 * RATE_HZ, abs=0.1 * RATE_HZ)


def test_latencies_that_wander_are_no_loss() -> None:
    device = Device()
    for _ in range(50):
        device.run(3, late=lambda: 0.01)
        device.run(3, late=lambda: 0.09)
    assert device.lost == 0


def test_a_moment_of_trouble_is_no_loss() -> None:
    device = Device()
    device.run(10)
    device.run(0.4, late=lambda: 0.4)  # a busy machine
    device.run(10)
    assert device.lost == 0


@pytest.mark.parametrize("rate", [1 / 3, 0.9, 1.1, 3.0])
def test_another_rate_is_measured_and_is_no_loss(rate: float) -> None:
    device = Device(rate=rate)
    device.run(30)
    assert device.clock.measured_rate_hz == pytest.approx(rate * RATE_HZ, rel=0.01)
    assert device.lost == 0


@pytest.mark.parametrize("rate", [0.95, 0.955, 0.96, 0.962, 0.98])
def test_a_rate_that_rises_now_and_then_like_losses_is_none(rate: float) -> None:
    """Some intervals are alike by chance."""
    device = Device(rate=rate)
    device.run(600)
    assert device.clock.measured_rate_hz in (None, pytest.approx(rate * RATE_HZ, rel=0.01))
    assert device.lost <= 0.5 * RATE_HZ  # before the rate is known


def test_one_step_is_no_rate() -> None:
    device = Device()
    device.run(10)
    device.now_s += 5
    device.run(8)
    assert device.clock.measured_rate_hz is None


def test_a_program_that_was_stopped_lost_what_did_not_come() -> None:
    """Nobody looked for ten seconds; all that was held came then."""
    device = Device()
    device.run(10)
    device._samples += round(10 * RATE_HZ)
    device.now_s += 10
    device.run(10)
    assert device.lost == 0
