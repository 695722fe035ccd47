"""Exact and score intervals, and what follows from having seen nothing."""

from __future__ import annotations

import math

from scipy import stats

_CONFIDENCE = 0.95


def poisson_interval(count: int) -> tuple[float, float]:
    """Exact 95 % interval of a Poisson mean after seeing `count` events (Garwood 1936).

    Nothing seen: the whole tail lies above, so that zero events in T hours prove no better than
    3 / T an hour.
    """
    tail = (1 - _CONFIDENCE) / 2
    if count == 0:
        return 0.0, float(stats.chi2.ppf(_CONFIDENCE, 2) / 2)
    low, high = stats.chi2.ppf(tail, 2 * count) / 2, stats.chi2.ppf(1 - tail, 2 * (count + 1)) / 2
    return float(low), float(high)


def wilson_interval(successes: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % score interval of a proportion (Wilson 1927); (0, 1) when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share = successes / total
    centre = share + z * z / (2 * total)
    spread = z * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def three_digits(value: float) -> str:
    """Three significant digits as people write them: 1,140, 57.6, 0.0012."""
    return f"{float(f'{value:.3g}'):,.12g}"


def two_digits_up(value: float) -> str:
    """Two significant digits, rounded up: the least that can be asked for, as it can be asked."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / unit - 1e-9) * unit:.12g}"


def hours_text(hours: float) -> str:
    """A length of audio as people say it: 2.5 hours, 49.6 minutes, 5 seconds."""
    for length, unit in ((hours, "hours"), (60 * hours, "minutes")):
        if length >= 1:
            text = three_digits(length)
            return f"{text} {unit.removesuffix('s') if text == '1' else unit}"
    return f"{three_digits(3600 * hours)} seconds"


def hours_to_support(per_day: float) -> float:
    """Hours without an alarm after which a rate of alarms a day can be claimed."""
    return poisson_interval(0)[1] * 24 / per_day


def supported_per_day(hours: float) -> float:
    """The lowest rate of alarms a day that so many hours without one can support."""
    return poisson_interval(0)[1] * 24 / hours if hours > 0 else float("inf")
