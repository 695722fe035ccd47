"""Turns a promise into operating points, and writes them into a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from engine.config import DecisionConfig, OperatingPoint
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from training.calibration.evidence import Heard, evidence_at
from training.calibration.promise import Promise, keep_promise, require_support
from training.evaluation.breakdown import by_keyword
from training.evaluation.events import Cause, match_events
from training.evaluation.intervals import poisson_interval
from training.evaluation.scored import ScoredStream, detect

REARM_SHARES = (0.5, 0.3, 0.7, 0.85)


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Operating points and what is known of them.

    Attributes:
        decision: What to write into the manifest.
        promise: The chosen one.
        tried: Smoothing to the promise that it kept, for those that kept it.
        rearm_share: Re-arm threshold over threshold.
        figures: Plain values for the manifest's provenance.
    """

    decision: DecisionConfig
    promise: Promise
    tried: dict[int, Promise]
    rearm_share: float
    figures: dict[str, Any]


def calibrate(
    manifest: ModelManifest,
    heard: Heard,
    *,
    per_day: float,
    smoothing: Sequence[int],
    most_delay_s: float,
    sure: bool = False,
) -> Calibration:
    """Choose thresholds, re-arm thresholds and smoothing.

    Args:
        manifest: The model.
        heard: What it was tried on.
        per_day: False alarms a day of all keywords together, at most.
        smoothing: Numbers of windows to try.
        most_delay_s: Longest median time from a word's end to its detection.
        sure: The upper end of the interval must keep the promise too.

    Raises:
        ConfigError: The audio does not support the promise, or no setting keeps it.
    """
    require_support(per_day, heard.hours)
    keywords = manifest.keywords
    tried: dict[int, Promise] = {}
    problem: ConfigError | None = None
    for windows in smoothing:
        try:
            evidence = evidence_at(heard, manifest, keywords, windows)
            tried[windows] = keep_promise(evidence, per_day, sure=sure)
        except ConfigError as err:
            problem = err
    for windows, promise in sorted(tried.items(), key=lambda item: item[1].miss_rate):
        share = _rearm_share(manifest, heard, keywords, promise, windows)
        decision = _decision(manifest, keywords, promise, windows, share)
        delay_s = _median_delay_s(manifest, heard.words[0], decision)
        if delay_s <= most_delay_s:
            figures = _figures(manifest, heard, decision, promise, tried, per_day, delay_s)
            return Calibration(
                decision=decision,
                promise=promise,
                tried=tried,
                rearm_share=share,
                figures=figures,
            )
    raise problem or ConfigError(
        f"every setting that keeps the promise takes longer than {most_delay_s:g} s to hear a "
        "word; raise --most-delay"
    )


def _decision(
    manifest: ModelManifest,
    keywords: Sequence[str],
    promise: Promise,
    smoothing_windows: int,
    rearm_share: float,
) -> DecisionConfig:
    """Operating points with the expected alarms of each keyword."""
    points = {}
    for word, threshold, alarms in zip(keywords, promise.thresholds, promise.alarms, strict=True):
        low, high = poisson_interval(int(alarms))
        points[word] = OperatingPoint(
            threshold=float(threshold),
            rearm_threshold=float(threshold) * rearm_share,
            false_alarms_per_day=round(24 * int(alarms) / promise.hours, 3),
            false_alarms_per_day_interval=(
                round(24 * low / promise.hours, 3),
                round(24 * high / promise.hours, 3),
            ),
        )
    return DecisionConfig(
        smoothing_windows=smoothing_windows,
        refractory_samples=manifest.decision.refractory_samples,
        operating_points=points,
    )


def _rearm_share(
    manifest: ModelManifest,
    heard: Heard,
    keywords: Sequence[str],
    promise: Promise,
    smoothing_windows: int,
) -> float:
    """The share with the fewest repeated words missed and words heard twice; half where equal."""

    def errors(share: float) -> int:
        decision = _decision(manifest, keywords, promise, smoothing_windows, share)
        matchings = [
            match_events(item.stream.references, detect(manifest, item, decision))
            for item in (heard.repeats, *heard.words)
        ]
        twice = sum(matching.count(Cause.DUPLICATE) for matching in matchings)
        alarms = sum(len(detect(manifest, item, decision)) for item in heard.negatives)
        return len(matchings[0].missed) + twice + alarms

    return min(REARM_SHARES, key=errors)


def _median_delay_s(
    manifest: ModelManifest, words: ScoredStream, decision: DecisionConfig
) -> float:
    matching = match_events(words.stream.references, detect(manifest, words, decision))
    return float(np.median(matching.latencies_s)) if matching.hits else 0.0


def _figures(
    manifest: ModelManifest,
    heard: Heard,
    decision: DecisionConfig,
    promise: Promise,
    tried: dict[int, Promise],
    per_day: float,
    delay_s: float,
) -> dict[str, Any]:
    """What the manifest keeps of all this."""
    clean = match_events(
        heard.words[0].stream.references, detect(manifest, heard.words[0], decision)
    )
    keywords = list(decision.operating_points)
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "promised_per_day": per_day,
        "hours": round(promise.hours, 4),
        "expected_per_day": round(promise.per_day, 3),
        "interval_per_day": [round(bound, 3) for bound in promise.interval_per_day],
        "alarms_unseen": int(promise.alarms.sum()),
        "alarms_seen": sum(len(detect(manifest, item, decision)) for item in heard.negatives),
        "miss_rates": {
            name: round(promise.missed[name] / promise.spoken[name], 4) for name in promise.spoken
        },
        "spoken": promise.spoken,
        "median_delay_s": round(delay_s, 3),
        "smoothing_tried": {
            str(windows): {
                "alarms_unseen": int(other.alarms.sum()),
                "mean_miss_rate": round(other.miss_rate, 4),
            }
            for windows, other in sorted(tried.items())
        },
        "keywords": {
            word: {"spoken": row["references"], "missed_clean": row["missed"]}
            for word, row in by_keyword(clean, keywords).items()
        },
        **heard.described,
    }


def calibrated(manifest: ModelManifest, calibration: Calibration) -> ModelManifest:
    """The manifest with its new operating points and where they come from.

    What was measured at other ones is no longer true of it and left out.
    """
    kept = {key: value for key, value in manifest.provenance.items() if key != "measured"}
    return replace(
        manifest,
        decision=calibration.decision,
        provenance={**kept, "calibration": calibration.figures},
    )
