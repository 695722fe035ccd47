"""A report as plain values, for JSON, tables, pages and model cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from training.evaluation.breakdown import (
    alarms_by_keyword,
    by_keyword,
    by_speaker,
    outcomes,
    share_of,
)
from training.evaluation.events import Cause, Matching
from training.evaluation.intervals import (
    hours_text,
    hours_to_support,
    poisson_interval,
    three_digits,
)
from training.evaluation.report import Curve, Report, Row, spoken
from training.evaluation.scored import ScoredStream
from training.evaluation.tables import KINDS

FORMAT_VERSION = 2
FIELDS = (
    *("date", "model", "data", "keywords", "clips", "settings", "by_keyword", "by_source"),
    *("false_alarms_by_keyword", "by_speaker", "curves", "cannot_be_claimed"),
)
# Speakers are compared on what all of them said under the same conditions.
_SPEAKER_STREAMS = ("words, clean", "words, 10 dB")


def figures(report: Report) -> dict[str, Any]:
    """Everything that was measured."""
    manifest = report.manifest
    shipped = report.rows[0]
    words = {item.stream.name: shipped.matchings[item.stream.name] for item in report.word_streams}
    return {
        "format_version": FORMAT_VERSION,
        "date": datetime.now(UTC).date().isoformat(),
        "model": {
            "name": manifest.name,
            "sha256": manifest.model_sha256,
            "keywords": list(manifest.keywords),
            "decision_sha256": manifest.decision.fingerprint,
        },
        "data": {**report.origin, "seed": report.seed, "notes": list(report.notes)},
        "keywords": list(report.keywords),
        "clips": {name: clips.figures() for name, clips in report.clips.items()},
        "settings": [_setting(row, report) for row in report.rows],
        "by_keyword": {
            name: by_keyword(matching, report.keywords) for name, matching in words.items()
        },
        "false_alarms_by_keyword": {
            item.stream.name: alarms_by_keyword(shipped.matchings[item.stream.name])
            for item in report.backgrounds
        },
        "by_source": {
            source: {
                name: share_of(
                    pair for pair in outcomes([matching]) if pair[0].synthetic is synthetic
                ).as_values()
                for name, matching in words.items()
            }
            for source, synthetic in (("people", False), ("programs", True))
        },
        "by_speaker": by_speaker(
            [words[name] for name in _SPEAKER_STREAMS if name in words], seed=report.seed
        ),
        "curves": [_curve(curve, report) for curve in report.curves],
        "cannot_be_claimed": limits(report),
    }


def limits(report: Report) -> list[str]:
    """What these figures don't prove, in sentences."""
    shipped = report.rows[0]
    lines = []
    for item in report.backgrounds:
        alarms = len(shipped.matchings[item.stream.name].alarms)
        low, high = (24 * bound / item.hours for bound in poisson_interval(alarms))
        if alarms == 0:
            lines.append(
                f"No alarm in {hours_text(item.hours)} of {KINDS[item.stream.kind]} proves no "
                f"better than {three_digits(high)} a day (3 / T)."
            )
        else:
            lines.append(
                f"{alarms} alarms in {hours_text(item.hours)} of {KINDS[item.stream.kind]} mean "
                f"{three_digits(low)} to {three_digits(high)} a day."
            )
    hours = sum(item.hours for item in report.backgrounds)
    wanted = hours_to_support(1)
    if hours < wanted:
        lines.append(
            f"One false alarm a day can't be claimed from {hours_text(hours)}: that takes "
            f"{wanted:.0f} hours without an alarm."
        )
    if any(item.stream.kind == "speech" for item in report.backgrounds):
        lines.append(
            "Running speech has no transcript here: a keyword that was truly said in it counts as "
            "a false alarm."
        )
    few = [
        word
        for word, row in _clean_keywords(report).items()
        if 0 < row["references"] < _FEW_REFERENCES
    ]
    if few:
        lines.append(
            f"Fewer than {_FEW_REFERENCES} clips were spoken of {', '.join(few)}: their own miss "
            "rates mean little."
        )
    if len(report.rows) > 1:
        lines.append(
            "Thresholds of the rows 'at most N/h' were chosen on the running speech that is "
            "reported: their alarms are those allowed, their misses somewhat optimistic."
        )
    if not any(item.stream.kind == "speech" for item in report.backgrounds):
        lines.append(
            "There was no running speech: nothing is known of false alarms in talk, and no row "
            "keeps a rate of them."
        )
    if report.word_streams:
        lines.append(
            "Noise and rooms were computed, gaps were drawn, and words were read from a list: "
            "people who want something speak otherwise."
        )
    return lines


_FEW_REFERENCES = 20


def _clean_keywords(report: Report) -> Mapping[str, Mapping[str, Any]]:
    words = report.word_streams
    if not words:
        return {}
    return by_keyword(report.rows[0].matchings[words[0].stream.name], report.keywords)


def _setting(row: Row, report: Report) -> dict[str, Any]:
    low, high = row.thresholds
    return {
        "name": row.name,
        "smoothing_windows": row.decision.smoothing_windows,
        "refractory_s": row.decision.refractory_samples / report.manifest.fbank.sample_rate_hz,
        "lowest_threshold": low,
        "highest_threshold": high,
        "keywords_listening": len(row.decision.operating_points),
        "streams": [_stream(item, row.matchings[item.stream.name]) for item in report.streams],
    }


def _stream(item: ScoredStream, matching: Matching) -> dict[str, Any]:
    condition = item.stream.condition
    alarms = len(matching.alarms)
    values: dict[str, Any] = {
        "name": item.stream.name,
        "kind": item.stream.kind,
        "hours": item.hours,
        "false_alarms": alarms,
        "false_alarms_per_hour": alarms / item.hours,
        "false_alarms_per_hour_interval": [
            bound / item.hours for bound in poisson_interval(alarms)
        ],
    }
    if item.stream.kind == "words":
        values |= {
            "snr_db": condition.snr_db,
            "room": condition.room.name if condition.room else None,
            "gain_db": condition.gain_db,
            **share_of(outcomes([matching])).as_values(),
            "substitutions": matching.count(Cause.SUBSTITUTION),
            "duplicates": matching.count(Cause.DUPLICATE),
            "latency_s": _quantiles(matching.latencies_s),
        }
    return values


def _quantiles(values: Sequence[float]) -> dict[str, float] | None:
    if not values:
        return None
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}


def _curve(curve: Curve, report: Report) -> dict[str, Any]:
    hours: dict[str, float] = {}
    for item in report.backgrounds:
        hours[item.stream.kind] = hours.get(item.stream.kind, 0) + item.hours
    return {
        "smoothing_windows": curve.smoothing_windows,
        "thresholds": list(curve.thresholds),
        "references": {
            item.stream.name: len(spoken(item, report.keywords)) for item in report.word_streams
        },
        "missed": {name: counts.tolist() for name, counts in curve.missed.items()},
        "false_alarms": {kind: counts.tolist() for kind, counts in curve.alarms.items()},
        "hours": hours,
    }
