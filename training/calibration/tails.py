"""False alarms an hour above a threshold, where there are few of them or none.

A threshold just above the highest peak that was seen looks perfect, and would be passed about once
in as many new hours, by each keyword. So rates are not counts. How the peaks of all keywords
together fall off is taken from the events, and beyond the highest ones it goes on exponentially
in logits; how often a keyword reaches the floor at all is its own, drawn towards the mean of all
(a gamma prior, Gelman et al., Bayesian Data Analysis, section 2.6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.calibration.peaks import FLOOR, Floats, Peaks

_PRIOR_EVENTS = 1.0  # the mean of all keywords weighs as much as one event of its own
_PRIOR_TAIL_EVENTS = 3.0
_PRIOR_MEAN_EXCESS = 1.0  # in logits: what is taken for granted before anything was seen
_MOST_TAIL_EVENTS = 20
_HIGHEST = 1 - 1e-6


@dataclass(frozen=True, kw_only=True)
class Tails:
    """Rates above thresholds.

    Attributes:
        per_hour: Of each keyword at the floor, shape [n_keywords].
        excess: Logits above the floor, rising, shape [n].
        log_share: Log of the share of events that reach each of them, falling, shape [n].
        slope: How fast the share falls beyond the last of them.
    """

    per_hour: Floats
    excess: Floats
    log_share: Floats
    slope: float

    def rates(self, thresholds: Floats) -> Floats:
        """Alarms an hour of each keyword, [n_thresholds, n_keywords].

        Args:
            thresholds: At least the floor, shape [n_thresholds].
        """
        excess = logits(thresholds) - logits(np.array([FLOOR]))
        log_share = np.interp(excess, self.excess, self.log_share)
        log_share -= self.slope * np.maximum(0, excess - self.excess[-1])
        rates: Floats = np.exp(log_share)[:, None] * self.per_hour
        return rates


def fit_tails(peaks: Peaks, n_keywords: int, hours: float) -> Tails:
    """Rates from the events of so many hours."""
    counts = np.bincount(peaks.keywords, minlength=n_keywords)
    mean = (counts.sum() + _PRIOR_EVENTS) / (n_keywords * hours)
    per_hour = (counts + _PRIOR_EVENTS) / (hours + _PRIOR_EVENTS / mean)
    falling = np.sort(logits(peaks.scores) - logits(np.array([FLOOR])))[::-1]
    n, n_tail = len(falling), min(_MOST_TAIL_EVENTS, len(falling) // 4)
    beyond = falling[:n_tail] - falling[n_tail] if n_tail else falling
    slope = (len(beyond) + _PRIOR_TAIL_EVENTS) / (
        beyond.sum() + _PRIOR_TAIL_EVENTS * _PRIOR_MEAN_EXCESS
    )
    # Down to the tail the events themselves, each with the share of those at least as high.
    known = falling[n_tail:] if n_tail else falling[:0]
    shares = np.arange(n_tail + 1, n_tail + 1 + len(known)) / max(1, n)
    return Tails(
        per_hour=per_hour,
        excess=np.concatenate([[0.0], known[::-1]]),
        log_share=np.concatenate([[0.0], np.log(shares)[::-1]]),
        slope=float(slope),
    )


def logits(posteriors: Floats) -> Floats:
    """ln(p / (1 - p)), with certainty cut short of infinity."""
    kept = np.clip(posteriors, 1 - _HIGHEST, _HIGHEST)
    values: Floats = np.log(kept / (1 - kept))
    return values
