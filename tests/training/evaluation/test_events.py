"""Events and intervals against published values and hand counts."""

import math

import pytest
from training.metrics import (
    Heard,
    Reference,
    match_events,
    poisson_interval,
    wilson_interval,
)

YES = Reference(keyword="yes", onset_s=1.0, offset_s=1.5)


def yes(time_s: float) -> Heard:
    return Heard(keyword="yes", time_s=time_s)


@pytest.mark.parametrize("time_s", [1.0, 1.7, 2.25])
def test_a_hit_lies_between_onset_and_750_ms_after_the_offset(time_s: float) -> None:
    counts = match_events([YES], [yes(time_s)])
    assert (counts.hits, counts.missed, counts.false_alarms) == (1, 0, 0)
    assert counts.latencies_s == (pytest.approx(time_s - 1.5),)


@pytest.mark.parametrize("detection", [yes(0.99), yes(2.26), Heard(keyword="no", time_s=1.6)])
def test_everything_else_is_a_false_alarm_and_a_miss(detection: Heard) -> None:
    counts = match_events([YES], [detection])
    assert (counts.hits, counts.missed, counts.false_alarms) == (0, 1, 1)
    assert counts.miss_rate == 1


def test_each_reference_is_matched_once() -> None:
    counts = match_events([YES], [yes(1.6), yes(1.8)])
    assert (counts.hits, counts.missed, counts.false_alarms) == (1, 0, 1)


def test_two_close_references_take_two_detections_in_order() -> None:
    second = Reference(keyword="yes", onset_s=1.9, offset_s=2.3)
    counts = match_events([second, YES], [yes(2.6), yes(2.0)])
    assert (counts.hits, counts.missed, counts.false_alarms) == (2, 0, 0)
    assert counts.latencies_s == (pytest.approx(0.5), pytest.approx(0.3))


def test_nothing_said_has_no_miss_rate() -> None:
    counts = match_events([], [])
    assert math.isnan(counts.miss_rate)
    assert counts.false_alarms == 0


@pytest.mark.parametrize(
    ("count", "low", "high"),
    # Garwood's exact limits as tabulated (Pearson and Hartley); nothing seen: one-sided, 3.00.
    [(0, 0, 2.996), (1, 0.0253, 5.572), (3, 0.619, 8.767), (10, 4.795, 18.39), (50, 37.11, 65.92)],
)
def test_exact_poisson_limits(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == (pytest.approx(low, rel=2e-3), pytest.approx(high, rel=2e-3))


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    # Newcombe 1998, table I, method 3.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_limits(successes: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(successes, total) == (
        pytest.approx(low, abs=1e-4),
        pytest.approx(high, abs=1e-4),
    )


def test_wilson_of_nothing() -> None:
    assert wilson_interval(0, 0) == (0, 1)
