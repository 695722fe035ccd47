"""How often a model of own words fires at other people's talk, and what its words miss.

Words that only programs have spoken are heard in held-out synthetic voices: the misses say nothing
about people, the false alarms do.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.backends import choose_backend
from engine.manifest import ModelManifest, load_manifest
from training.data.corpus import read_corpus
from training.data.folder import read_folder
from training.evaluation.events import Matching, match_events
from training.evaluation.intervals import poisson_interval
from training.evaluation.scored import ScoredStream, detect, score_stream
from training.evaluation.streams import (
    Condition,
    background_stream,
    noise_bed,
    word_stream,
    word_track,
)
from training.evaluation.sweep import at_threshold

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
    bed = noise_bed(clips, seed=1)
    track = word_track(spoken, keywords, most_per_word=_MOST_PER_WORD, seed=1)
    streams = [word_stream(track, Condition(snr_db=snr_db), bed) for snr_db in (None, 10.0)]
    streams += [background_stream(clips, kind) for kind in _BACKGROUNDS]
    with choose_backend("cpu", manifest).backend as backend:
        scored = [score_stream(manifest, backend, stream) for stream in streams]
    minutes = ", ".join(f"{s.stream.name} {60 * s.hours:.1f} min" for s in scored[2:])
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
    decision = at_threshold(
        threshold,
        keywords,
        smoothing_windows=smoothing_windows,
        refractory_samples=manifest.decision.refractory_samples,
    )
    counts: list[Matching] = [
        match_events(item.stream.references, detect(manifest, item, decision)) for item in scored
    ]
    clean, noisy, speech, noise, other = counts
    hours = scored[2].hours
    low, high = (bound / hours for bound in poisson_interval(len(speech.alarms)))
    delay_s = float(np.median(clean.latencies_s)) if clean.latencies_s else float("nan")
    return (
        f"| {smoothing_windows} | {threshold:g} | {clean.miss_rate:.1%} / {noisy.miss_rate:.1%} "
        f"| {len(speech.alarms) / hours:.1f} ({low:.1f} to {high:.1f}) | {len(noise.alarms)} "
        f"| {len(other.alarms)} | {delay_s:.2f} s |"
    )
