"""Measures a model folder: clips, streams, curves. Everything that is printed or drawn is here."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.backends import choose_backend
from engine.config import DecisionConfig
from engine.errors import ConfigError
from engine.manifest import ModelManifest, load_manifest
from training.clip_report import ClipReport, measure_clips
from training.data.clip_source import memory_item
from training.evaluation.events import Matching, Reference, match_events
from training.evaluation.material import BACKGROUNDS, Material
from training.evaluation.scored import ScoredStream, detect, score_stream
from training.evaluation.streams import Stream
from training.evaluation.sweep import (
    REARM_SHARE,
    THRESHOLDS,
    alarms_by_threshold,
    at_threshold,
    lowest_threshold,
    smooth,
)
from training.progress import ProgressReport


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one decision setting gives on all streams.

    Attributes:
        name: For the table.
        decision: The setting.
        matchings: Stream name to outcome.
    """

    name: str
    decision: DecisionConfig
    matchings: dict[str, Matching]

    @property
    def thresholds(self) -> tuple[float, float]:
        """Lowest and highest of the keywords."""
        values = [point.threshold for point in self.decision.operating_points.values()]
        return min(values), max(values)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Misses against false alarms over one threshold for all keywords (DET).

    Attributes:
        smoothing_windows: Windows averaged.
        thresholds: Rising.
        missed: Name of a word stream to misses at each threshold.
        alarms: Kind of a background to alarms at each threshold.
    """

    smoothing_windows: int
    thresholds: Sequence[float]
    missed: dict[str, npt.NDArray[np.int64]]
    alarms: dict[str, npt.NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """All figures of one model.

    Attributes:
        manifest: The model.
        keywords: Those that were spoken, and that listen where a promise is kept.
        clips: Figures of clips by who spoke them: "people", "programs"; without streams' folders.
        streams: The streams, scored; words first.
        rows: One for each decision setting; the first is the manifest's own.
        curves: One for each smoothing.
        origin: What was measured on.
        notes: What people should know of the data.
        seed: Of the streams.
    """

    manifest: ModelManifest
    keywords: Sequence[str]
    clips: dict[str, ClipReport]
    streams: Sequence[ScoredStream]
    rows: Sequence[Row]
    curves: Sequence[Curve]
    origin: dict[str, object]
    notes: Sequence[str]
    seed: int

    @property
    def hours(self) -> dict[str, float]:
        """Stream name to hours."""
        return {item.stream.name: item.hours for item in self.streams}

    @property
    def word_streams(self) -> list[ScoredStream]:
        """Those with references."""
        return [item for item in self.streams if item.stream.kind == "words"]

    @property
    def backgrounds(self) -> list[ScoredStream]:
        """Those without."""
        return [item for item in self.streams if item.stream.kind in BACKGROUNDS]


def measure(
    model: Path,
    streams: Iterable[Stream],
    *,
    material: Material | None,
    keywords: Sequence[str],
    alarms_per_hour: Sequence[float],
    smoothing: Sequence[int],
    seed: int,
    workers: int = 2,
    n_streams: int | None = None,
    streams_name: str = "",
) -> Report:
    """Measure a model folder.

    Args:
        model: Model folder.
        streams: What to score, one at a time.
        material: Clips to name one by one; None for streams alone.
        keywords: Those that listen where a promise is kept.
        alarms_per_hour: Allowed false alarms an hour on running speech.
        smoothing: Numbers of windows to average, besides the manifest's own.
        seed: Of the streams, for the report.
        workers: Streams that are scored at a time.
        n_streams: How many there will be, for the progress.
        streams_name: Folder that the streams come from, where there is no material.

    Raises:
        ModelError: The model folder is refused.
        ConfigError: There is no stream, or a keyword is not one of the model's.
        SourceError: A recording cannot be read.
    """
    manifest = load_manifest(model)
    for word in keywords:
        if word not in manifest.keywords:
            raise ConfigError(
                f"{word!r} is no keyword of {model}; it has {', '.join(manifest.keywords)}"
            )
    clips = _measure_clips(model, manifest, material) if material else {}
    scored = score_all(manifest, streams, workers=workers, total=n_streams)
    if not scored:
        raise ConfigError("there is no stream to score; the data has neither words nor backgrounds")
    rows = [_row("as shipped", manifest, scored, manifest.decision)]
    curves = []
    for windows in sorted({manifest.decision.smoothing_windows, *smoothing}):
        curves.append(_curve(manifest, scored, keywords, windows))
        rows += _promised_rows(manifest, scored, keywords, curves[-1], alarms_per_hour)
    return Report(
        manifest=manifest,
        keywords=keywords,
        clips=clips,
        streams=scored,
        rows=rows,
        curves=curves,
        origin=material.origin if material else {"streams": streams_name},
        notes=[*(material.notes if material else ()), *_not_listened_for(manifest, scored)],
        seed=seed,
    )


def _not_listened_for(manifest: ModelManifest, scored: Sequence[ScoredStream]) -> list[str]:
    """Words of the truth that the model has no label for, so that nobody misses them."""
    words = Counter(
        word.keyword
        for item in scored
        for word in item.stream.references
        if word.keyword not in manifest.keywords
    )
    return [f"{word!r}, said {n} times, is no keyword of the model" for word, n in words.items()]


def spoken(item: ScoredStream, listening: Collection[str]) -> list[Reference]:
    """The words of a stream that something listens for; nobody misses the others."""
    return [word for word in item.stream.references if word.keyword in listening]


def score_all(
    manifest: ModelManifest,
    streams: Iterable[Stream],
    *,
    workers: int = 2,
    total: int | None = None,
) -> list[ScoredStream]:
    """Score streams through the shipped StreamScorer, a few at a time, in their order."""
    slots = threading.Semaphore(workers)  # streams are made when somebody is free to score them
    lock = threading.Lock()

    def show(done: int, note: str) -> None:
        with lock:
            progress.advance(done, note=note)

    def score(stream: Stream) -> ScoredStream:
        try:
            with choose_backend("cpu", manifest).backend as backend:
                return score_stream(
                    manifest, backend, stream, lambda share: show(0, f"{stream.name} {share:.0%}")
                )
        finally:
            slots.release()
            show(1, stream.name)

    def made() -> Iterable[Stream]:
        for stream in streams:
            slots.acquire()
            yield stream

    with (
        ProgressReport("scoring", total, unit="streams") as progress,
        ThreadPoolExecutor(workers) as pool,
    ):
        futures = [pool.submit(score, stream) for stream in made()]
        return [future.result() for future in futures]


def _measure_clips(
    model: Path, manifest: ModelManifest, material: Material
) -> dict[str, ClipReport]:
    """Clips of people and of programs apart."""
    labels = list(manifest.labels)
    groups = {"people": False, "programs": True}
    reports = {}
    for name, synthetic in groups.items():
        items = [
            memory_item(clip, (labels.index(clip.word),))
            for clip in material.clips
            if clip.kind == "word" and clip.synthetic is synthetic and clip.word in labels
        ]
        if items:
            reports[name] = measure_clips([model], items, labels)
    return reports


def _row(
    name: str, manifest: ModelManifest, scored: Sequence[ScoredStream], decision: DecisionConfig
) -> Row:
    matchings = {
        item.stream.name: match_events(
            spoken(item, decision.operating_points), detect(manifest, item, decision)
        )
        for item in scored
    }
    return Row(name=name, decision=decision, matchings=matchings)


def _curve(
    manifest: ModelManifest,
    scored: Sequence[ScoredStream],
    keywords: Sequence[str],
    windows: int,
) -> Curve:
    refractory = manifest.decision.refractory_samples
    rate_hz = manifest.fbank.sample_rate_hz
    missed: dict[str, npt.NDArray[np.int64]] = {}
    alarms: dict[str, npt.NDArray[np.int64]] = {}
    for item in scored:
        stream = smooth(item, manifest.labels, rate_hz, windows)
        if item.stream.kind in BACKGROUNDS:
            by_word = alarms_by_threshold(stream, keywords, refractory)
            alarms[item.stream.kind] = alarms.get(item.stream.kind, 0) + by_word.sum(axis=1)
            continue
        counts, references = [], spoken(item, keywords)
        for threshold in THRESHOLDS:
            heard = [
                detection
                for word in keywords
                for detection in stream.firings(
                    word, threshold, threshold * REARM_SHARE, refractory
                )
            ]
            counts.append(len(match_events(references, heard).missed))
        missed[item.stream.name] = np.array(counts, np.int64)
    return Curve(smoothing_windows=windows, thresholds=THRESHOLDS, missed=missed, alarms=alarms)


def _promised_rows(
    manifest: ModelManifest,
    scored: Sequence[ScoredStream],
    keywords: Sequence[str],
    curve: Curve,
    alarms_per_hour: Sequence[float],
) -> list[Row]:
    """The keywords at the lowest threshold that keeps each allowed rate on running speech."""
    if "speech" not in curve.alarms or not keywords:
        return []
    hours = sum(item.hours for item in scored if item.stream.kind == "speech")
    rows = []
    for allowed in alarms_per_hour:
        decision = at_threshold(
            lowest_threshold(curve.alarms["speech"], allowed * hours),
            keywords,
            smoothing_windows=curve.smoothing_windows,
            refractory_samples=manifest.decision.refractory_samples,
        )
        rows.append(_row(f"at most {allowed:g}/h", manifest, scored, decision))
    return rows
