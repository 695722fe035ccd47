"""Measures a model folder and writes what was found: Markdown for people, values for a manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends import Backend, choose_backend
from engine.config import DecisionConfig
from engine.manifest import MANIFEST_FILE, ModelManifest, load_manifest, manifest_to_json
from training.data.corpus import read_corpus
from training.data.streams import background_stream, noise_bed, word_stream
from training.evaluate import (
    COMMANDS,
    THRESHOLDS,
    WORD_STREAM_SNRS_DB,
    ScoredStream,
    clip_accuracy,
    commands_at,
    detect,
    lowest_threshold,
    score_stream,
)
from training.metrics import EventCounts, match_events, poisson_interval, wilson_interval

BACKGROUNDS = ("speech", "noise", "other_word")


@dataclass(frozen=True, kw_only=True)
class OperatingRow:
    """What one decision setting gives on all streams.

    Attributes:
        name: For the table.
        smoothing_windows: Windows averaged.
        threshold: Lowest threshold among the keywords.
        counts: Stream name to event counts.
    """

    name: str
    smoothing_windows: int
    threshold: float
    counts: Mapping[str, EventCounts]


@dataclass(frozen=True, kw_only=True)
class Report:
    """All figures of one model.

    Attributes:
        manifest: The model.
        clips_right: Validation clips whose highest label is right.
        clips: Validation clips.
        streams: The streams, scored.
        rows: One for each decision setting; the first is the manifest's own.
    """

    manifest: ModelManifest
    clips_right: int
    clips: int
    streams: Sequence[ScoredStream]
    rows: Sequence[OperatingRow]

    @property
    def hours(self) -> dict[str, float]:
        """Stream name to hours."""
        return {item.stream.name: item.stream.hours for item in self.streams}


def measure(
    model: Path,
    data: Path,
    *,
    alarms_per_hour: Sequence[float],
    smoothing: Sequence[int],
    most_per_word: int = 60,
    seed: int = 1,
) -> Report:
    """Measure a model folder on the validation split.

    Args:
        model: Model folder.
        data: Folder of recordings.
        alarms_per_hour: Allowed false alarms an hour on running speech.
        smoothing: Numbers of windows to average.
        most_per_word: Clips of a command in each stream, at most.
        seed: Of the streams.

    Raises:
        ModelError: The model folder is refused.
        SourceError: A recording cannot be read.
    """
    manifest = load_manifest(model)
    with choose_backend("cpu", manifest).backend as backend:
        right, total = clip_accuracy(manifest, backend, data)
        scored = _score_streams(manifest, backend, data, most_per_word, seed)
    rows = [_row("as shipped", manifest, scored, manifest.decision)]
    speech = next(item for item in scored if item.stream.name == "speech")
    for smoothing_windows in smoothing:
        for allowed in alarms_per_hour:
            decision = _commands_within(
                manifest, speech, smoothing_windows, allowed * speech.stream.hours
            )
            rows.append(_row(f"at most {allowed:g}/h", manifest, scored, decision))
    return Report(manifest=manifest, clips_right=right, clips=total, streams=scored, rows=rows)


def _score_streams(
    manifest: ModelManifest, backend: Backend, data: Path, most_per_word: int, seed: int
) -> list[ScoredStream]:
    clips = read_corpus(data, "validation")
    bed = noise_bed(clips)
    streams = [
        word_stream(clips, COMMANDS, bed, snr_db=snr_db, most_per_word=most_per_word, seed=seed)
        for snr_db in WORD_STREAM_SNRS_DB
    ]
    streams += [background_stream(clips, kind) for kind in BACKGROUNDS]
    return [score_stream(manifest, backend, stream) for stream in streams]


def _commands_within(
    manifest: ModelManifest, speech: ScoredStream, smoothing_windows: int, allowed: float
) -> DecisionConfig:
    """The ten commands at the lowest threshold that keeps the allowed alarms on speech."""

    def decision_at(threshold: float) -> DecisionConfig:
        return commands_at(
            threshold,
            smoothing_windows=smoothing_windows,
            refractory_samples=manifest.decision.refractory_samples,
        )

    threshold = lowest_threshold(
        lambda threshold: len(detect(manifest, speech, decision_at(threshold))),
        allowed,
        THRESHOLDS,
    )
    return decision_at(threshold)


def _row(
    name: str, manifest: ModelManifest, scored: Sequence[ScoredStream], decision: DecisionConfig
) -> OperatingRow:
    return OperatingRow(
        name=name,
        smoothing_windows=decision.smoothing_windows,
        threshold=min(point.threshold for point in decision.operating_points.values()),
        counts={
            item.stream.name: match_events(item.stream.references, detect(manifest, item, decision))
            for item in scored
        },
    )


def to_markdown(report: Report) -> str:
    """The report as a table, with 95 % intervals."""
    low, high = wilson_interval(report.clips_right, report.clips)
    share = report.clips_right / report.clips
    lines = [
        f"Model {report.manifest.name}, SHA-256 {report.manifest.model_sha256[:16]}",
        "",
        f"Validation clips right: {report.clips_right} of {report.clips}, {share:.1%} "
        f"({low:.1%} to {high:.1%})",
        "",
        "| alarms allowed on speech | smoothing | threshold | missed clean / 10 dB / 0 dB "
        "| alarms/h on speech | alarms on noise | alarms on other words "
        "| word end to detection p50 / p95 |",
        "|---|---|---|---|---|---|---|---|",
        *(_markdown_row(row, report.hours) for row in report.rows),
        "",
    ]
    for item in report.streams:
        words = len(item.stream.references)
        lines.append(f"- {item.stream.name}: {item.stream.hours * 60:.1f} min, {words} commands")
    return "\n".join(lines) + "\n"


def _markdown_row(row: OperatingRow, hours: Mapping[str, float]) -> str:
    missed = " / ".join(f"{row.counts[name].miss_rate:.1%}" for name in _word_streams(row))
    alarms = row.counts["speech"].false_alarms
    low, high = (bound / hours["speech"] for bound in poisson_interval(alarms))
    latencies = row.counts[_word_streams(row)[0]].latencies_s
    p50, p95 = np.percentile(latencies, [50, 95]) if latencies else (np.nan, np.nan)
    return (
        f"| {row.name} | {row.smoothing_windows} | {row.threshold:g} | {missed} "
        f"| {alarms / hours['speech']:.1f} ({low:.1f} to {high:.1f}) "
        f"| {row.counts['noise'].false_alarms} in {hours['noise'] * 60:.0f} min "
        f"| {row.counts['other_word'].false_alarms} in {hours['other_word'] * 60:.0f} min "
        f"| {p50:.2f} / {p95:.2f} s |"
    )


def _word_streams(row: OperatingRow) -> list[str]:
    return [name for name in row.counts if name not in BACKGROUNDS]


def record(report: Report) -> None:
    """Write the figures into the manifest's provenance, under `measured`."""
    manifest = report.manifest
    measured = {
        "validation_clips": report.clips,
        "validation_clips_right": report.clips_right,
        "streams": [_as_values(row, report.hours) for row in report.rows],
    }
    recorded = replace(manifest, provenance={**manifest.provenance, "measured": measured})
    (manifest.folder / MANIFEST_FILE).write_text(manifest_to_json(recorded))


def _as_values(row: OperatingRow, hours: Mapping[str, float]) -> dict[str, Any]:
    return {
        "decision": row.name,
        "smoothing_windows": row.smoothing_windows,
        "threshold": row.threshold,
        "missed": {name: round(row.counts[name].miss_rate, 4) for name in _word_streams(row)},
        "false_alarms": {
            name: {"count": row.counts[name].false_alarms, "hours": round(hours[name], 4)}
            for name in BACKGROUNDS
        },
    }
