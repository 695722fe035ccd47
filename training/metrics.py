"""Counting events: which detections hit which references, rates and exact intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

HIT_GRACE_S = 0.75


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A keyword that was truly spoken.

    Attributes:
        keyword: The word.
        onset_s: Where it begins.
        offset_s: Where it ends.
    """

    keyword: str
    onset_s: float
    offset_s: float


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A detection as a stream time.

    Attributes:
        keyword: The word.
        time_s: End of the window that fired.
    """

    keyword: str
    time_s: float


@dataclass(frozen=True, kw_only=True)
class EventCounts:
    """Outcome of one stream.

    Attributes:
        hits: References matched, with the matching detection's latency after the word's end.
        missed: References without a detection.
        false_alarms: Detections without a reference.
        latencies_s: Detection time minus offset, one for each hit.
    """

    hits: int
    missed: int
    false_alarms: int
    latencies_s: tuple[float, ...]

    @property
    def miss_rate(self) -> float:
        """Missed references over all references; NaN without references."""
        total = self.hits + self.missed
        return self.missed / total if total else float("nan")


def match_events(references: Sequence[Reference], detections: Sequence[Heard]) -> EventCounts:
    """Match detections to references, in order of time, each at most once.

    A hit is a detection of the right keyword between the word's onset and 0.75 s after its
    offset. Everything else is a false alarm: a second detection of the same word, too.

    Args:
        references: What was spoken.
        detections: What was detected.

    Returns:
        The counts.
    """
    open_references = sorted(references, key=lambda reference: reference.onset_s)
    latencies = []
    false_alarms = 0
    for detection in sorted(detections, key=lambda detection: detection.time_s):
        match = next(
            (
                reference
                for reference in open_references
                if reference.keyword == detection.keyword
                and reference.onset_s <= detection.time_s <= reference.offset_s + HIT_GRACE_S
            ),
            None,
        )
        if match is None:
            false_alarms += 1
        else:
            open_references.remove(match)
            latencies.append(detection.time_s - match.offset_s)
    return EventCounts(
        hits=len(latencies),
        missed=len(open_references),
        false_alarms=false_alarms,
        latencies_s=tuple(latencies),
    )


def poisson_interval(count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact interval of a Poisson mean after seeing `count` events (Garwood 1936)."""
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _solve(lambda mean: 1 - _poisson_cdf(count - 1, mean), tail)
    # Nothing seen: the whole tail lies above, so zero events prove no better than 3 / T.
    upper_tail = tail if count else 1 - confidence
    high = _solve(lambda mean: 1 - _poisson_cdf(count, mean), 1 - upper_tail)
    return low, high


def wilson_interval(successes: int, total: int, z: float = 1.959964) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927); (0, 1) when nothing was counted."""
    if total == 0:
        return 0.0, 1.0
    share = successes / total
    centre = share + z * z / (2 * total)
    spread = z * (share * (1 - share) / total + z * z / (4 * total * total)) ** 0.5
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def _poisson_cdf(count: int, mean: float) -> float:
    shape = torch.tensor(count + 1.0, dtype=torch.float64)
    return float(torch.special.gammaincc(shape, torch.tensor(mean, dtype=torch.float64)))


def _solve(rising: Callable[[float], float], target: float) -> float:
    """Where a rising function of a Poisson mean reaches the target, by bisection."""
    low, high = 0.0, 1.0
    while rising(high) < target:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < target else (low, middle)
    return (low + high) / 2
