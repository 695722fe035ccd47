"""Peaks tell for every threshold what the shipped Detector would fire at."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from engine.manifest import load_manifest
from training.calibration.peaks import FLOOR, Peaks, alarm_peaks, join_peaks, word_peaks
from training.evaluation.events import Reference, match_events
from training.evaluation.scored import ScoredStream, detect
from training.evaluation.streams import Stream
from training.evaluation.sweep import at_threshold, smooth

LABELS = ("_silence_", "_unknown_", "low", "high")
KEYWORDS = ("low", "high")


def bumps(seed: int, n_events: int = 60) -> tuple[ScoredStream, tuple[Reference, ...]]:
    """Every 3 s one keyword rises to some height and falls again, as a word does."""
    rng = np.random.default_rng(seed)
    n = 30 * n_events
    probs = np.full((n, 4), 0.01)
    references = []
    for event in range(n_events):
        first, length = 30 * event + int(rng.integers(3, 12)), int(rng.integers(3, 9))
        keyword = int(rng.integers(2))
        shape = rng.uniform(0.2, 0.97) * np.hanning(length + 2)[1:-1] ** 0.3
        probs[first : first + length, 2 + keyword] = shape
        onset_s = 1 + 0.1 * first - 0.3
        references.append(
            Reference(
                keyword=KEYWORDS[keyword],
                onset_s=onset_s,
                offset_s=onset_s + 0.5,
                speaker=f"p{event % 7}",
            )
        )
    probs[:, 1] = 1 - probs.sum(axis=1) + probs[:, 1]
    stream = ScoredStream(
        stream=Stream(name="bumps", kind="speech", samples=np.zeros(0, np.float32)),
        hours=n / 36_000,
        end_samples=16_000 + 1_600 * np.arange(n),
        posteriors=probs.astype(np.float32),
    )
    return stream, tuple(references)


@pytest.mark.parametrize("windows", [1, 3])
@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.75, 0.9])
def test_alarms_and_misses_are_the_detectors(
    tiny_folder: Path, threshold: float, windows: int
) -> None:
    manifest = load_manifest(tiny_folder)
    scored, references = bumps(1)
    stream = smooth(scored, LABELS, 16_000, windows)
    decision = at_threshold(
        threshold, KEYWORDS, smoothing_windows=windows, refractory_samples=12_800
    )
    heard = detect(manifest, scored, decision)
    limits = np.full(2, threshold)
    alarms = alarm_peaks(stream, KEYWORDS, 5)
    assert alarms.reaching(limits).sum() == len(heard)
    words = word_peaks(stream, KEYWORDS, references, 5)
    missed = match_events(references, heard).missed
    assert (~words.reaching(limits)).sum() == len(missed)
    assert threshold > 0.8 or len(heard) > 5


def test_folds_are_stretches_of_time_and_whole_speakers() -> None:
    scored, references = bumps(2)
    stream = smooth(scored, LABELS, 16_000, 1)
    alarms = alarm_peaks(stream, KEYWORDS, 5)
    per_keyword = [alarms.folds[alarms.keywords == k] for k in (0, 1)]
    assert all((np.diff(folds) >= 0).all() for folds in per_keyword)
    assert set(alarms.folds) == {0, 1, 2, 3, 4}
    words = word_peaks(stream, KEYWORDS, references, 5)
    fold_of: dict[str, set[int]] = {}
    for reference, fold in zip(references, words.folds, strict=True):
        fold_of.setdefault(reference.speaker, set()).add(int(fold))
    assert all(len(folds) == 1 for folds in fold_of.values())
    assert set(words.folds) == {0, 1, 2, 3, 4}


def test_a_word_that_never_was_the_highest_has_no_peak() -> None:
    probs = np.full((10, 4), 0.05, np.float32)
    probs[:, 1], probs[:, 2] = 0.5, 0.4
    scored = ScoredStream(
        stream=Stream(name="low", kind="words", samples=np.zeros(0, np.float32)),
        hours=0.001,
        end_samples=16_000 + 1_600 * np.arange(10),
        posteriors=probs,
    )
    said = Reference(keyword="low", onset_s=1.0, offset_s=1.5)
    words = word_peaks(smooth(scored, LABELS, 16_000, 1), KEYWORDS, [said], 5)
    assert words.scores.tolist() == [0.0]
    early = Reference(keyword="low", onset_s=0.0, offset_s=0.1)
    unheard = word_peaks(smooth(scored, LABELS, 16_000, 1), KEYWORDS, [early], 5)
    assert unheard.scores.tolist() == [0.0]


def test_an_alarm_needs_the_highest_label() -> None:
    """Sigmoids can all be high at once."""
    probs = np.full((10, 4), 0.05, np.float32)
    probs[3:6, 1], probs[3:6, 2] = 0.9, 0.8
    scored = dataclasses.replace(
        bumps(0)[0], posteriors=probs, end_samples=16_000 + 1_600 * np.arange(10)
    )
    stream = smooth(scored, LABELS, 16_000, 1)
    assert len(alarm_peaks(stream, KEYWORDS, 5).scores) == 0


def test_nothing_heard() -> None:
    none = join_peaks([])
    assert len(none.scores) == 0
    assert none.reaching(np.array([FLOOR])).sum() == 0
    some = Peaks(keywords=np.array([0, 1]), scores=np.array([0.6, 0.9]), folds=np.array([0, 3]))
    assert join_peaks([none, some, some]).of_folds([3]).scores.tolist() == [0.9, 0.9]
