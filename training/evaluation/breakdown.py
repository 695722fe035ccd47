"""Misses by speaker, by keyword, by people and programs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.evaluation.events import Cause, Matching, Reference
from training.evaluation.intervals import wilson_interval

MIN_REFERENCES = 3
_SIMULATIONS = 400


@dataclass(frozen=True, kw_only=True)
class Share:
    """Missed references among all of a group.

    Attributes:
        missed: Without a detection.
        references: All.
    """

    missed: int
    references: int

    @property
    def rate(self) -> float | None:
        """Miss rate; None without references."""
        return self.missed / self.references if self.references else None

    def as_values(self) -> dict[str, Any]:
        """Plain values, with the 95 % interval."""
        low, high = wilson_interval(self.missed, self.references)
        return {
            "references": self.references,
            "missed": self.missed,
            "miss_rate": self.rate,
            "miss_interval": [low, high],
        }


def outcomes(matchings: Iterable[Matching]) -> list[tuple[Reference, bool]]:
    """Every reference of some streams, and whether it was missed."""
    pairs: list[tuple[Reference, bool]] = []
    for matching in matchings:
        pairs += [(reference, False) for reference, _ in matching.hits]
        pairs += [(reference, True) for reference in matching.missed]
    return pairs


def share_of(pairs: Iterable[tuple[Reference, bool]]) -> Share:
    """All outcomes together."""
    missed = [is_missed for _, is_missed in pairs]
    return Share(missed=sum(missed), references=len(missed))


def by_keyword(matching: Matching, keywords: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Each keyword's misses and false alarms in one stream."""
    pairs = outcomes([matching])
    rows = {}
    for word in keywords:
        alarms = [alarm for alarm in matching.alarms if alarm.heard.keyword == word]
        rows[word] = {
            **share_of(pair for pair in pairs if pair[0].keyword == word).as_values(),
            "false_alarms": len(alarms),
            "taken_for": _taken_for(matching, word),
        }
    return rows


def alarms_by_keyword(matching: Matching) -> dict[str, int]:
    """What fired without being said, the most frequent first."""
    counts = Counter(alarm.heard.keyword for alarm in matching.alarms)
    return dict(counts.most_common())


def _taken_for(matching: Matching, word: str) -> dict[str, int]:
    """What was heard while the word was spoken and missed."""
    counts: dict[str, int] = defaultdict(int)
    for alarm in matching.alarms:
        if alarm.cause is Cause.SUBSTITUTION and alarm.spoken == word:
            counts[alarm.heard.keyword] += 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def by_speaker(matchings: Iterable[Matching], *, seed: int) -> dict[str, Any]:
    """Spread over people who said at least three words; nobody's name, only numbers.

    The worst tenth looks bad even if all people were heard alike, because each says few words. So
    what chance alone would give is simulated beside it: the same numbers of words, every one
    missed with the mean rate.
    """
    groups: dict[str, list[bool]] = defaultdict(list)
    for reference, missed in outcomes(matchings):
        if reference.speaker and not reference.synthetic:
            groups[reference.speaker].append(missed)
    kept = [flags for flags in groups.values() if len(flags) >= MIN_REFERENCES]
    if not kept:
        return {"speakers": 0}
    misses = np.array([sum(flags) for flags in kept])
    sizes = np.array([len(flags) for flags in kept])
    rng = np.random.default_rng(seed)
    chance = rng.binomial(sizes, misses.sum() / sizes.sum(), (_SIMULATIONS, len(kept))) / sizes
    rates = misses / sizes
    low, median, high = np.percentile(rates, [25, 50, 75])
    return {
        "speakers": len(kept),
        "min_references": MIN_REFERENCES,
        "mean": float(misses.sum() / sizes.sum()),
        "median": float(median),
        "quartiles": [float(low), float(high)],
        "worst_tenth": _worst_tenth(rates),
        "worst_tenth_by_chance": float(np.mean([_worst_tenth(row) for row in chance])),
        "rates": sorted(float(rate) for rate in rates),
    }


def _worst_tenth(rates: np.ndarray) -> float:
    count = max(1, len(rates) // 10)
    return float(np.sort(rates)[-count:].mean())
