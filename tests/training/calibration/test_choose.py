"""Alarms are spent where they save most misses."""

import numpy as np
import pytest

from training.calibration.choose import CANDIDATES, choose_thresholds, miss_curves
from training.calibration.peaks import FLOOR, Peaks
from training.calibration.tails import Tails


def words(scores: dict[int, np.ndarray]) -> Peaks:
    keywords = np.concatenate([np.full(len(s), k) for k, s in scores.items()])
    joined = np.concatenate(list(scores.values()))
    return Peaks(keywords=keywords, scores=joined, folds=np.zeros(len(joined), np.int64))


def tails(*per_hour: float) -> Tails:
    return Tails(
        per_hour=np.array(per_hour), excess=np.array([0.0]), log_share=np.array([0.0]), slope=1.5
    )


SPREAD = np.linspace(0.5, 0.999, 200)


def test_candidates_rise_from_the_floor_to_nearly_one() -> None:
    assert CANDIDATES[0] == FLOOR
    assert (np.diff(CANDIDATES) > 0).all()
    assert 0.999 < CANDIDATES[-1] < 1


@pytest.mark.parametrize("allowed", [0.1, 1.0, 5.0])
def test_the_rate_is_kept_and_used(allowed: float) -> None:
    rates = tails(10.0, 10.0)
    chosen = choose_thresholds(rates, words({0: SPREAD, 1: SPREAD}), 2, allowed)
    spent = sum(rates.rates(chosen[[k]])[0, k] for k in (0, 1))
    assert 0.5 * allowed < spent <= allowed


def test_keywords_that_fire_often_pay_more() -> None:
    chosen = choose_thresholds(tails(30.0, 1.0), words({0: SPREAD, 1: SPREAD}), 2, 3.0)
    assert chosen[0] > chosen[1] + 0.05


def test_a_threshold_where_nothing_is_missed_costs_nothing() -> None:
    """A keyword whose words all peak at 0.99 can be strict; the other needs its alarms."""
    sure, unsure = np.full(200, 0.99), np.linspace(0.5, 0.9, 200)
    chosen = choose_thresholds(tails(10.0, 10.0), words({0: sure, 1: unsure}), 2, 4.0)
    assert chosen[0] > chosen[1]


def test_less_allowed_is_never_a_lower_threshold() -> None:
    peaks = words({0: SPREAD, 1: SPREAD**2})
    last = np.ones(2)
    for allowed in (0.01, 0.1, 1.0, 10.0, 100.0):
        chosen = choose_thresholds(tails(20.0, 5.0), peaks, 2, allowed)
        assert (chosen <= last + 1e-9).all()
        last = chosen
    assert last.tolist() == [FLOOR, FLOOR]


def test_what_cannot_be_kept_gets_the_highest() -> None:
    chosen = choose_thresholds(tails(1e9), words({0: SPREAD}), 1, 1e-6)
    assert chosen.tolist() == [CANDIDATES[-1]]


def test_words_of_few_people_follow_all() -> None:
    curves = miss_curves(words({0: np.full(400, 0.9), 1: np.array([0.55, 0.56])}), 3)
    at = int(np.searchsorted(CANDIDATES, 0.8))
    assert curves[at, 0] < 0.02
    assert 0.05 < curves[at, 1] < 0.2  # two misses of two, drawn towards none of 402
    assert curves[at, 2] == pytest.approx(2 / 402)
    assert (np.diff(curves, axis=0) >= 0).all()
