"""A promised rate of false alarms: whether the audio supports it, and what keeping it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from training.calibration.choose import choose_thresholds
from training.calibration.peaks import Floats, Peaks, join_peaks
from training.calibration.tails import fit_tails
from training.evaluation.intervals import (
    hours_text,
    hours_to_support,
    poisson_interval,
    supported_per_day,
    three_digits,
    two_digits_up,
)

FOLDS = 5
# What the thresholds aim at, as shares of the promise: the first that keeps it is taken.
_AIMS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a model did, at one smoothing.

    Attributes:
        keywords: Those that may fire.
        alarms: Events in audio without keywords.
        words: Name of a condition to the words that were spoken in it.
        hours: Length of the audio without keywords.
    """

    keywords: Sequence[str]
    alarms: Peaks
    words: Mapping[str, Peaks]
    hours: float


@dataclass(frozen=True, kw_only=True)
class Promise:
    """Thresholds, and what they did to audio and speakers that they had not seen.

    Attributes:
        thresholds: One for each keyword, from all of the evidence.
        alarms: Alarms of each keyword, each in a fifth whose thresholds came from the other four.
        missed: Condition to words missed in the same way.
        spoken: Condition to words spoken.
        hours: Of audio without keywords.
        aim_share: What was aimed at, as a share of what was promised.
    """

    thresholds: Floats
    alarms: npt.NDArray[np.int64]
    missed: dict[str, int]
    spoken: dict[str, int]
    hours: float
    aim_share: float

    @property
    def per_day(self) -> float:
        """False alarms a day of all keywords."""
        return 24 * float(self.alarms.sum()) / self.hours

    @property
    def interval_per_day(self) -> tuple[float, float]:
        """Exact 95 % interval of that rate."""
        low, high = poisson_interval(int(self.alarms.sum()))
        return 24 * low / self.hours, 24 * high / self.hours

    @property
    def miss_rate(self) -> float:
        """Mean over the conditions."""
        rates = [self.missed[name] / self.spoken[name] for name in self.spoken]
        return float(np.mean(rates)) if rates else float("nan")


def require_support(per_day: float, hours: float) -> None:
    """Refuse a promise that nothing in so many hours could prove.

    Raises:
        ConfigError: Even without a single alarm the audio would not support it.
    """
    if not 0 < per_day < 1e6:
        raise ConfigError(
            f"the promise is {per_day:g} false alarms a day; it must be above 0 and below a million"
        )
    wanted = hours_to_support(per_day)
    if hours < wanted * (1 - 1e-9):
        raise ConfigError(
            f"a promise of {per_day:g} a day can't be made from {hours_text(hours)} of audio "
            f"without keywords: that takes {hours_text(wanted)}, and these support "
            f"{two_digits_up(supported_per_day(hours))} a day. Record more (--record, --room) or "
            "promise less"
        )


def keep_promise(evidence: Evidence, per_day: float, *, sure: bool = False) -> Promise:
    """The thresholds that miss least and keep a promise.

    Args:
        evidence: At one smoothing.
        per_day: False alarms a day of all keywords together, at most.
        sure: The upper end of the interval must keep the promise too, not only the rate.

    Raises:
        ConfigError: The audio does not support the promise, or no threshold keeps it.
    """
    require_support(per_day, evidence.hours)
    kept = 0.0
    for share in _AIMS:
        promise = _aimed(evidence, share * per_day / 24, share)
        kept = promise.interval_per_day[1] if sure else promise.per_day
        # 3 / T is rounded in what people are told to ask for.
        if kept <= per_day * 1.05:
            return promise
    raise ConfigError(
        f"no threshold keeps {per_day:g} false alarms a day: the highest ones give "
        f"{three_digits(kept)}. "
        + ("Give more audio without keywords, or leave --sure out" if sure else "Promise less")
    )


def _aimed(evidence: Evidence, per_hour: float, share: float) -> Promise:
    n = len(evidence.keywords)
    alarms = np.zeros(n, np.int64)
    missed = dict.fromkeys(evidence.words, 0)
    for fold in range(FOLDS):
        others = [other for other in range(FOLDS) if other != fold]
        thresholds = _fitted(evidence, per_hour, others)
        unseen = evidence.alarms.of_folds([fold])
        fired = unseen.keywords[unseen.reaching(thresholds)]
        alarms += np.bincount(fired, minlength=n)
        for name, words in evidence.words.items():
            missed[name] += int((~words.of_folds([fold]).reaching(thresholds)).sum())
    return Promise(
        thresholds=_fitted(evidence, per_hour, range(FOLDS)),
        alarms=alarms,
        missed=missed,
        spoken={name: len(words.scores) for name, words in evidence.words.items()},
        hours=evidence.hours,
        aim_share=share,
    )


def _fitted(evidence: Evidence, per_hour: float, folds: Sequence[int]) -> Floats:
    n = len(evidence.keywords)
    hours = evidence.hours * len(folds) / FOLDS
    tails = fit_tails(evidence.alarms.of_folds(folds), n, hours)
    words = join_peaks(list(evidence.words.values())).of_folds(folds)
    return choose_thresholds(tails, words, n, per_hour)
