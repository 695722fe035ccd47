"""The thresholds that miss least while all keywords together keep a rate of false alarms."""

from __future__ import annotations

import numpy as np

from training.calibration.peaks import FLOOR, Floats, Peaks
from training.calibration.tails import Tails

# Even steps in logits: near 1 a small step of the posterior is a large one of the rate.
CANDIDATES: Floats = np.round(1 / (1 + (1 / FLOOR - 1) * np.exp(-np.arange(0, 8.01, 0.1))), 5)
_PRIOR_WORDS = 20.0  # the miss rate of all keywords weighs as much as so many words of its own
_PRICES = np.geomspace(1e-4, 1e4, 400)


def choose_thresholds(
    tails: Tails, words: Peaks, n_keywords: int, alarms_per_hour: float
) -> Floats:
    """One threshold for each keyword, [n_keywords].

    Each false alarm an hour has the same price for all keywords; each keyword takes the threshold
    at which its misses and the price of its alarms together are least. The lowest price that keeps
    the rate is taken. So alarms are spent where they save most misses.

    Args:
        tails: Rates in audio without keywords.
        words: Peaks of spoken keywords.
        n_keywords: How many there are.
        alarms_per_hour: Of all keywords together.
    """
    misses = miss_curves(words, n_keywords)
    rates = tails.rates(CANDIDATES)
    for price in _PRICES:
        chosen = (misses + price * rates).argmin(axis=0)
        if rates[chosen, np.arange(n_keywords)].sum() <= alarms_per_hour:
            found: Floats = CANDIDATES[chosen]
            return found
    return np.full(n_keywords, CANDIDATES[-1])


def miss_curves(words: Peaks, n_keywords: int) -> Floats:
    """Share of each keyword's words below every candidate, [n_candidates, n_keywords].

    Words that few people said are drawn towards the curve of all.
    """
    below = words.scores[None, :] < CANDIDATES[:, None]  # [n_candidates, n]
    shared = below.mean(axis=1) if below.shape[1] else np.zeros(len(CANDIDATES))
    curves = np.empty((len(CANDIDATES), n_keywords))
    for index in range(n_keywords):
        own = below[:, words.keywords == index]
        curves[:, index] = (own.sum(axis=1) + _PRIOR_WORDS * shared) / (own.shape[1] + _PRIOR_WORDS)
    return curves
