"""Rates follow the events that there are, and go on sensibly beyond them."""

import numpy as np
import pytest

from training.calibration.peaks import Peaks, join_peaks
from training.calibration.tails import fit_tails, logits


def events(rates: list[float], hours: float, slope: float, seed: int = 0) -> Peaks:
    """Peaks whose logits fall off exponentially from 0.5 on."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.array(rates) * hours)
    excess = rng.exponential(1 / slope, counts.sum())
    return Peaks(
        keywords=np.repeat(np.arange(len(rates)), counts),
        scores=1 / (1 + np.exp(-excess)),
        folds=np.zeros(counts.sum(), np.int64),
    )


def test_rates_are_those_that_the_events_came_from() -> None:
    rates = [40.0, 10.0, 2.0]
    tails = fit_tails(events(rates, 20, 1.5), 3, 20.0)
    thresholds = np.array([0.5, 0.8, 0.95, 0.99])
    wanted = np.exp(-1.5 * logits(thresholds))[:, None] * rates
    np.testing.assert_allclose(tails.rates(thresholds)[:3], wanted[:3], rtol=0.35)
    np.testing.assert_allclose(tails.rates(thresholds)[3], wanted[3], rtol=1.5)  # one event


def test_beyond_the_highest_peak_the_rate_is_small_but_not_nothing() -> None:
    """The highest of n peaks is passed about once in as much new audio."""
    passed, expected = [], []
    for seed in range(200):
        seen = events([30.0], 2, 1.5, seed)
        highest = np.array([seen.scores.max()])
        unseen = events([30.0], 2, 1.5, 1_000 + seed)
        passed.append(int((unseen.scores > highest).sum()))
        expected.append(2 * float(fit_tails(seen, 1, 2.0).rates(highest).sum()))
    assert np.mean(expected) == pytest.approx(np.mean(passed), rel=0.5)
    assert min(expected) > 0


def test_a_keyword_that_never_fired_gets_some_of_what_the_others_do() -> None:
    tails = fit_tails(events([20.0, 20.0, 0.0], 3, 1.5), 3, 3.0)
    rates = tails.rates(np.array([0.5]))[0]
    assert 0 < rates[2] < 0.2 * rates[0]
    assert rates.sum() == pytest.approx(40, rel=0.3)


def test_rates_fall() -> None:
    tails = fit_tails(events([9.0, 1.0], 1, 2.0), 2, 1.0)
    rates = tails.rates(np.linspace(0.5, 0.9999, 200))
    assert (np.diff(rates, axis=0) <= 1e-12).all()
    assert rates[-1].sum() < 0.05 * rates[0].sum()


@pytest.mark.parametrize("n", [0, 1, 3])
def test_few_events_or_none(n: int) -> None:
    few = Peaks(keywords=np.zeros(n, np.int64), scores=np.full(n, 0.7), folds=np.zeros(n, np.int64))
    rates = fit_tails(join_peaks([few]), 2, 10.0).rates(np.array([0.5, 0.9, 0.999]))
    assert np.isfinite(rates).all()
    assert (rates > 0).all()
    assert rates[0].sum() == pytest.approx((n + 1) / 10, rel=0.5)


def test_logits_of_certainty_are_finite() -> None:
    assert np.isfinite(logits(np.array([0.0, 1.0]))).all()
    assert logits(np.array([0.5]))[0] == 0
