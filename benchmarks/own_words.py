"""How often a model of own words fires at other people's talk, and what its words miss.

Words that only programs have spoken are heard in held-out synthetic voices: the misses say nothing
about people, the false alarms do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.backends import choose_backend
from engine.config import DecisionConfig, OperatingPoint
from engine.manifest import ModelManifest, load_manifest
from training.data.corpus import read_corpus
from training.data.folder import read_folder
from training.data.streams import background_stream, noise_bed, word_stream
from training.evaluate import ScoredStream, detect, score_stream
from training.metrics import EventCounts, match_events, poisson_interval

_BACKGROUNDS = ("speech", "noise", "other_word")
_MOST_PER_WORD = 40


def report(
    model: Path, words: Path, data: Path, thresholds: list[float], smoothing: list[int]
) -> str:
    """Score streams of the words and of backgrounds, and decide at each setting.

    Args:
        model: Model folder.
        words: Plain folder of its words; the validation clips are spoken.
        data: Folder with the two tables; its validation backgrounds are listened to.
        thresholds: Of every word.
        smoothing: Windows to average.

    Returns:
        A Markdown table.
    """
    manifest = load_manifest(model)
    keywords = [label for label in manifest.labels if label not in manifest.background_labels]
    spoken, _ = read_folder(words, "validation")
    clips = read_corpus(data, "validation")
    bed = noise_bed(clips)
    streams = [
        word_stream(spoken, keywords, bed, snr_db=snr_db, most_per_word=_MOST_PER_WORD, seed=1)
        for snr_db in (None, 10.0)
    ]
    streams += [background_stream(clips, kind) for kind in _BACKGROUNDS]
    with choose_backend("cpu", manifest).backend as backend:
        scored = [score_stream(manifest, backend, stream) for stream in streams]
    minutes = ", ".join(f"{s.stream.name} {60 * s.stream.hours:.1f} min" for s in scored[2:])
    lines = [
        f"{len(scored[0].stream.references)} words; {minutes}",
        "",
        "| smoothing | threshold | missed clean / 10 dB | alarms an hour on speech "
        "| on noise | on other words | delay |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        _row(manifest, scored, keywords, threshold, windows)
        for windows in smoothing
        for threshold in thresholds
    ]
    return "\n".join(lines)


def _row(
    manifest: ModelManifest,
    scored: list[ScoredStream],
    keywords: list[str],
    threshold: float,
    smoothing_windows: int,
) -> str:
    point = OperatingPoint(threshold=threshold, rearm_threshold=threshold / 2)
    decision = DecisionConfig(
        smoothing_windows=smoothing_windows,
        refractory_samples=manifest.decision.refractory_samples,
        operating_points=dict.fromkeys(keywords, point),
    )
    counts: list[EventCounts] = [
        match_events(item.stream.references, detect(manifest, item, decision)) for item in scored
    ]
    clean, noisy, speech, noise, other = counts
    hours = scored[2].stream.hours
    low, high = (bound / hours for bound in poisson_interval(speech.false_alarms))
    delay_s = float(np.median(clean.latencies_s)) if clean.latencies_s else float("nan")
    return (
        f"| {smoothing_windows} | {threshold:g} | {clean.miss_rate:.1%} / {noisy.miss_rate:.1%} "
        f"| {speech.false_alarms / hours:.1f} ({low:.1f} to {high:.1f}) | {noise.false_alarms} "
        f"| {other.false_alarms} | {delay_s:.2f} s |"
    )
