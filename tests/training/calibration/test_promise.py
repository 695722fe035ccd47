"""Promises are kept on audio that the thresholds had not seen, or refused."""

from collections.abc import Sequence

import numpy as np
import pytest

from engine.errors import ConfigError
from training.calibration import promise as promise_module
from training.calibration.peaks import Peaks
from training.calibration.promise import Evidence, keep_promise, require_support

KEYWORDS = tuple(f"w{i}" for i in range(8))


def alarms(seed: int, hours: float, per_hour: float = 60.0) -> Peaks:
    rng = np.random.default_rng(seed)
    n = rng.poisson(per_hour * hours)
    shares = np.arange(1, 9) / 36
    return Peaks(
        keywords=rng.choice(8, n, p=shares),
        scores=1 / (1 + np.exp(-rng.exponential(0.7, n))),
        folds=rng.integers(0, 5, n),
    )


def evidence(seed: int, hours: float, **options: float) -> Evidence:
    rng = np.random.default_rng(10_000 + seed)
    words = {
        name: Peaks(
            keywords=rng.integers(0, 8, 300),
            scores=1 / (1 + np.exp(-rng.normal(mean, 1.5, 300))),
            folds=rng.integers(0, 5, 300),
        )
        for name, mean in (("clean", 4.0), ("10 dB", 3.0))
    }
    return Evidence(
        keywords=KEYWORDS, alarms=alarms(seed, hours, **options), words=words, hours=hours
    )


def true_rate(thresholds: np.ndarray) -> float:
    """Alarms a day in a thousand new hours."""
    return 24 * float(alarms(1, 1000).reaching(thresholds).sum()) / 1000


def test_the_promise_holds_on_new_audio() -> None:
    """On average over many calibrations, and what is expected is what happens."""
    found = [keep_promise(evidence(seed, 10), 24) for seed in range(20)]
    rates = [true_rate(promise.thresholds) for promise in found]
    assert np.mean(rates) < 24 * 1.15
    assert np.mean(rates) > 24 * 0.4
    assert np.mean([promise.per_day for promise in found]) == pytest.approx(np.mean(rates), rel=0.3)
    bounds = np.array([promise.interval_per_day for promise in found])
    assert np.mean((bounds[:, 0] <= rates) & (rates <= bounds[:, 1])) >= 0.85


def test_surely_kept_promises_hold_nearly_always() -> None:
    found = [keep_promise(evidence(seed, 30), 24, sure=True) for seed in range(12)]
    assert all(promise.interval_per_day[1] <= 24 * 1.05 for promise in found)
    assert sum(true_rate(promise.thresholds) <= 24 for promise in found) >= 11
    plain = keep_promise(evidence(0, 30), 24)
    assert found[0].miss_rate >= plain.miss_rate


def test_no_fifth_is_counted_with_thresholds_that_saw_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fitted: list[list[int]] = []
    fit = promise_module._fitted

    def seen(evidence: Evidence, per_hour: float, folds: Sequence[int]) -> np.ndarray:
        fitted.append(list(folds))
        return fit(evidence, per_hour, folds)

    monkeypatch.setattr(promise_module, "_fitted", seen)
    keep_promise(evidence(0, 10), 240)
    assert fitted[:6] == [
        *([fold for fold in range(5) if fold != left_out] for left_out in range(5)),
        [0, 1, 2, 3, 4],
    ]


def test_thresholds_just_above_all_peaks_would_have_broken_it() -> None:
    """Why alarms are counted in audio that was held out."""
    seen = evidence(3, 4)
    naive = np.array(
        [seen.alarms.scores[seen.alarms.keywords == k].max(initial=0.5) + 1e-9 for k in range(8)]
    )
    assert seen.alarms.reaching(naive).sum() == 0
    assert true_rate(naive) > 20


def test_misses_are_counted_for_speakers_that_were_held_out() -> None:
    promise = keep_promise(evidence(0, 10), 240)
    assert promise.spoken == {"clean": 300, "10 dB": 300}
    assert 0 < promise.missed["clean"] < promise.missed["10 dB"] < 300
    rates = [promise.missed[name] / 300 for name in ("clean", "10 dB")]
    assert promise.miss_rate == pytest.approx(np.mean(rates))


def test_a_stricter_promise_misses_more() -> None:
    rates = [keep_promise(evidence(0, 10), per_day).miss_rate for per_day in (1000, 100, 10)]
    assert rates == sorted(rates)
    assert rates[0] < rates[2]


@pytest.mark.parametrize(
    ("per_day", "hours", "message"),
    [
        (1.0, 2.0, r"a promise of 1 a day .* 2 hours .* takes 71.9 hours, and these support 36 "),
        (10.0, 5.0, "takes 7.19 hours, and these support 15 a day"),
        (0.0, 100.0, "it must be above 0"),
        (float("nan"), 100.0, "it must be above 0"),
    ],
)
def test_what_the_hours_cannot_support(per_day: float, hours: float, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        require_support(per_day, hours)
    with pytest.raises(ConfigError, match=message):
        keep_promise(evidence(0, hours), per_day)


def test_what_is_said_to_be_supported_is_accepted() -> None:
    for hours in np.linspace(0.3, 80, 200):
        with pytest.raises(ConfigError) as err:
            require_support(0.01, hours)
        said = float(str(err.value).split("these support ")[1].split(" a day")[0])
        require_support(said, hours)


def test_no_threshold_keeps_it() -> None:
    certain = Peaks(
        keywords=np.zeros(500, np.int64),
        scores=np.full(500, 0.9999999),
        folds=np.arange(500) % 5,
    )
    base = evidence(0, 10)
    stuck = Evidence(keywords=KEYWORDS, alarms=certain, words=base.words, hours=10)
    message = r"no threshold keeps 24 .*: the highest ones give 1,200"
    with pytest.raises(ConfigError, match=message):
        keep_promise(stuck, 24)
