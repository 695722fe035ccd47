"""Intervals against published values."""

import pytest

from training.evaluation.intervals import (
    hours_text,
    hours_to_support,
    poisson_interval,
    supported_per_day,
    three_digits,
    two_digits_up,
    wilson_interval,
)


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


def test_one_a_day_takes_three_days() -> None:
    assert hours_to_support(1) == pytest.approx(72, abs=0.2)
    assert supported_per_day(72) == pytest.approx(1, abs=0.01)
    assert supported_per_day(0) == float("inf")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1139, "1,140"), (57.649, "57.6"), (0.00123456, "0.00123"), (0, "0"), (87, "87")],
)
def test_numbers_without_exponent(value: float, text: str) -> None:
    assert three_digits(value) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [(71.9, "71.9 hours"), (1, "1 hour"), (0.8265, "49.6 minutes"), (5 / 3600, "5 seconds")],
)
def test_lengths_as_people_say_them(hours: float, text: str) -> None:
    assert hours_text(hours) == text


@pytest.mark.parametrize(
    ("value", "text"), [(85.02, "86"), (36, "36"), (4271, "4300"), (0.12, "0.12")]
)
def test_what_can_be_asked_for_is_rounded_up(value: float, text: str) -> None:
    assert two_digits_up(value) == text
