"""Times callables side by side, so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How long one candidate took.

    Attributes:
        name: Candidate.
        median_ms: Median over all rounds.
        p99_ms: 99th percentile over all rounds.
        ratio: Median over the rounds of its time over the reference's time in the same round.
        ratio_low: 5th percentile of that ratio.
        ratio_high: 95th percentile of that ratio.
    """

    name: str
    median_ms: float
    p99_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


def compare(
    candidates: Mapping[str, Callable[[], object]],
    *,
    rounds: int,
    pause_s: float = 0.0,
) -> list[Timing]:
    """Run every candidate once a round, in another order each time.

    Args:
        candidates: Name to callable; the first is the reference.
        rounds: How often.
        pause_s: Sleep before every call, as a stream waits for its next hop.

    Returns:
        One timing for each candidate, in their order.
    """
    names = list(candidates)
    times_s = np.zeros((rounds, len(names)))
    rng = np.random.default_rng(0)
    for name in names:
        candidates[name]()  # warm caches and lazy set-up
    for row in range(rounds):
        for column in rng.permutation(len(names)):
            if pause_s:
                time.sleep(pause_s)
            started = time.perf_counter()
            candidates[names[column]]()
            times_s[row, column] = time.perf_counter() - started
    ratios = times_s / times_s[:, :1]
    timings = []
    for column, name in enumerate(names):
        low, middle, high = np.percentile(ratios[:, column], [5, 50, 95])
        median_s, p99_s = np.percentile(times_s[:, column], [50, 99])
        timings.append(
            Timing(
                name=name,
                median_ms=float(median_s) * 1000,
                p99_ms=float(p99_s) * 1000,
                ratio=float(middle),
                ratio_low=float(low),
                ratio_high=float(high),
            )
        )
    return timings


def table(timings: list[Timing]) -> str:
    """A Markdown table."""
    lines = ["| what | median ms | p99 ms | ratio (5 % to 95 %) |", "|---|---|---|---|"]
    lines += [
        f"| {t.name} | {t.median_ms:.3f} | {t.p99_ms:.3f} "
        f"| {t.ratio:.2f} ({t.ratio_low:.2f} to {t.ratio_high:.2f}) |"
        for t in timings
    ]
    return "\n".join(lines)
