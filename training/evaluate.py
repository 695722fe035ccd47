"""Measures a model folder through the code that ships: clips, and streams by events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.backends import Backend, choose_backend
from engine.config import DecisionConfig, OperatingPoint
from engine.detection import Detector
from engine.features import fbank, model_input
from engine.manifest import ModelManifest, load_manifest
from engine.scorer import StreamScorer
from engine.types import Float32, Posteriors
from training.data.corpus import read_corpus
from training.data.streams import Stream, background_stream, noise_bed, word_stream
from training.metrics import (
    EventCounts,
    Heard,
    match_events,
    poisson_interval,
    wilson_interval,
)

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
_THRESHOLDS = (*(round(0.02 * i, 2) for i in range(5, 50)), 0.985, 0.99, 0.995, 0.998, 0.999)


@dataclass(frozen=True, kw_only=True)
class ScoredStream:
    """A stream with the posteriors of all its windows.

    Attributes:
        stream: The audio and its truth.
        end_samples: End of each window, shape [n].
        posteriors: Before smoothing, shape [n, n_labels].
    """

    stream: Stream
    end_samples: npt.NDArray[np.int64]
    posteriors: Float32


@dataclass(frozen=True, kw_only=True)
class StreamReport:
    """What one threshold gives on all streams.

    Attributes:
        threshold: Of every command.
        counts: Stream name to event counts.
    """

    threshold: float
    counts: dict[str, EventCounts]


def clip_accuracy(manifest: ModelManifest, backend: Backend, clips_folder: Path) -> tuple[int, int]:
    """Right answers among the real validation word clips.

    Each clip is cut or padded with zeros to one window; its highest label counts.

    Returns:
        Number right and number of clips.
    """
    right = total = 0
    n_samples = manifest.windows.window_samples
    for clip in read_corpus(clips_folder, "validation"):
        if clip.kind != "word":
            continue
        samples = np.zeros(n_samples, np.float32)
        part = clip.samples[:n_samples]
        samples[: len(part)] = part / np.float32(32768)
        features = model_input(fbank(samples, manifest.fbank), manifest.fbank)
        logits = backend.infer(features[None])[0]
        right += manifest.labels[int(logits.argmax())] == clip.word
        total += 1
    return right, total


def score_stream(manifest: ModelManifest, backend: Backend, stream: Stream) -> ScoredStream:
    """Posteriors of every window of a stream, through the shipped StreamScorer."""
    scorer = StreamScorer(manifest, backend, DecisionConfig())
    ends, posteriors = [], []
    for scored in scorer.process(stream.samples):
        ends.append(scored.posteriors.end_sample)
        posteriors.append(scored.posteriors.probs)
    return ScoredStream(
        stream=stream,
        end_samples=np.array(ends, np.int64),
        posteriors=np.array(posteriors, np.float32).reshape(-1, len(manifest.labels)),
    )


def detect(
    manifest: ModelManifest, scored: ScoredStream, *, threshold: float, smoothing_windows: int
) -> list[Heard]:
    """Detections of the ten commands at one threshold, by the shipped Detector."""
    point = OperatingPoint(threshold=threshold, rearm_threshold=threshold / 2)
    decision = DecisionConfig(
        smoothing_windows=smoothing_windows,
        refractory_samples=manifest.decision.refractory_samples,
        operating_points=dict.fromkeys(COMMANDS, point),
    )
    detector = Detector(manifest.labels, decision)
    rate_hz = manifest.fbank.sample_rate_hz
    heard = []
    for end, probs in zip(scored.end_samples, scored.posteriors, strict=True):
        heard += [
            Heard(keyword=detection.keyword, time_s=detection.end_sample / rate_hz)
            for detection in detector.update(Posteriors(probs=probs, end_sample=int(end)))
        ]
    return heard


def sweep(
    manifest: ModelManifest, scored: Sequence[ScoredStream], smoothing_windows: int
) -> list[StreamReport]:
    """Event counts of every stream at every threshold, lowest threshold first."""
    reports = []
    for threshold in _THRESHOLDS:
        counts = {
            item.stream.name: match_events(
                item.stream.references,
                detect(manifest, item, threshold=threshold, smoothing_windows=smoothing_windows),
            )
            for item in scored
        }
        reports.append(StreamReport(threshold=threshold, counts=counts))
    return reports


def lowest_threshold(
    reports: Sequence[StreamReport], speech_hours: float, alarms_per_hour: float
) -> StreamReport:
    """The report of the lowest threshold that keeps the allowed rate on running speech.

    Above the returned threshold no other one breaks it; if all do, the highest is returned.
    """
    chosen = reports[-1]
    for report in reversed(reports):
        if report.counts["speech"].false_alarms > alarms_per_hour * speech_hours:
            break
        chosen = report
    return chosen


def evaluate(
    model: Path,
    data: Path,
    *,
    alarms_per_hour: Sequence[float],
    smoothing: Sequence[int],
    most_per_word: int = 60,
    seed: int = 1,
) -> str:
    """Measure a model folder and describe the result.

    Args:
        model: Model folder.
        data: Folder of recordings.
        alarms_per_hour: Allowed false alarms an hour on running speech.
        smoothing: Numbers of windows to average.
        most_per_word: Clips of a command in each stream, at most.
        seed: Of the streams.

    Returns:
        A Markdown report.
    """
    manifest = load_manifest(model)
    clips = read_corpus(data, "validation")
    bed = noise_bed(clips)
    streams = [
        word_stream(clips, COMMANDS, bed, snr_db=snr_db, most_per_word=most_per_word, seed=seed)
        for snr_db in (None, 10.0, 0.0)
    ]
    streams += [background_stream(clips, kind) for kind in ("speech", "noise", "other_word")]
    with choose_backend("cpu", manifest).backend as backend:
        right, total = clip_accuracy(manifest, backend, data)
        scored = [score_stream(manifest, backend, stream) for stream in streams]
    low, high = wilson_interval(right, total)
    lines = [
        f"Model {manifest.name}, {manifest.model_sha256[:16]}",
        "",
        f"Validation clips right: {right} of {total}, {right / total:.1%} "
        f"(95 % {low:.1%} to {high:.1%})",
        "",
        "| smoothing | allowed alarms/h | threshold | missed clean / 10 dB / 0 dB "
        "| speech alarms/h (95 %) | noise alarms | other words | latency p50 / p95 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    speech_hours = next(s.stream.hours for s in scored if s.stream.name == "speech")
    for smoothing_windows in smoothing:
        reports = sweep(manifest, scored, smoothing_windows)
        for allowed in alarms_per_hour:
            report = lowest_threshold(reports, speech_hours, allowed)
            lines.append(_row(report, smoothing_windows, allowed, scored))
    lines += ["", *_stream_lines(scored)]
    return "\n".join(lines) + "\n"


def _row(
    report: StreamReport, smoothing_windows: int, allowed: float, scored: Sequence[ScoredStream]
) -> str:
    counts = report.counts
    hours = {item.stream.name: item.stream.hours for item in scored}
    missed = " / ".join(
        f"{counts[name].miss_rate:.1%}" for name in ("words, clean", "words, 10 dB", "words, 0 dB")
    )
    alarms = counts["speech"].false_alarms
    low, high = (bound / hours["speech"] for bound in poisson_interval(alarms))
    latencies = counts["words, clean"].latencies_s
    p50, p95 = np.percentile(latencies, [50, 95]) if latencies else (np.nan, np.nan)
    return (
        f"| {smoothing_windows} | {allowed:g} | {report.threshold:g} | {missed} "
        f"| {alarms / hours['speech']:.1f} ({low:.1f} to {high:.1f}) "
        f"| {counts['noise'].false_alarms} in {hours['noise'] * 60:.0f} min "
        f"| {counts['other_word'].false_alarms} in {hours['other_word'] * 60:.0f} min "
        f"| {p50:.2f} / {p95:.2f} s |"
    )


def _stream_lines(scored: Sequence[ScoredStream]) -> list[str]:
    lines = []
    for item in scored:
        words = len(item.stream.references)
        lines.append(f"- {item.stream.name}: {item.stream.hours * 60:.1f} min, {words} commands")
    return lines
