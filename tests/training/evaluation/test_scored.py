"""Scoring goes through the shipped stages; thresholds keep what they allow."""

from pathlib import Path

import numpy as np
import pytest
from clips import clip, word_samples
from signals import tone_stream
from training.data.streams import Stream
from training.evaluate import (
    COMMANDS,
    THRESHOLDS,
    ScoredStream,
    clip_accuracy,
    commands_at,
    detect,
    lowest_threshold,
    score_stream,
)

from engine.backends import choose_backend
from engine.config import DecisionConfig
from engine.manifest import ModelManifest, load_manifest
from training import evaluate


@pytest.fixture
def tiny(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


def scored(manifest: ModelManifest) -> ScoredStream:
    stream = Stream(name="tones", samples=tone_stream(), references=())
    with choose_backend("cpu", manifest).backend as backend:
        return score_stream(manifest, backend, stream)


def test_a_stream_is_scored_and_decided_as_the_application_does(tiny: ModelManifest) -> None:
    stream = scored(tiny)
    n_windows = (len(tone_stream()) - 16_000) // 1_600 + 1
    assert stream.posteriors.shape == (n_windows, 4)
    assert stream.end_samples[0] == 16_000
    heard = detect(tiny, stream, tiny.decision)
    assert [item.keyword for item in heard] == ["low", "high", "low"]
    assert 1.5 < heard[0].time_s < 3.0


def test_without_keywords_nothing_fires(tiny: ModelManifest) -> None:
    assert detect(tiny, scored(tiny), DecisionConfig()) == []


def test_an_empty_stream_has_no_window(tiny: ModelManifest) -> None:
    stream = Stream(name="empty", samples=np.zeros(100, np.float32), references=())
    with choose_backend("cpu", tiny).backend as backend:
        assert score_stream(tiny, backend, stream).posteriors.shape == (0, 4)


def test_the_ten_commands_at_one_threshold() -> None:
    decision = commands_at(0.8, smoothing_windows=3, refractory_samples=5)
    assert tuple(decision.operating_points) == COMMANDS
    assert len(set(COMMANDS)) == 10
    assert {(p.threshold, p.rearm_threshold) for p in decision.operating_points.values()} == {
        (0.8, 0.4)
    }


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(10, 0.1), (3, 0.2), (2, 0.5), (0.5, 0.9), (-1, 0.9)],
)
def test_the_lowest_threshold_above_which_none_breaks_the_limit(
    allowed: float, expected: float
) -> None:
    alarms = {0.1: 9, 0.2: 1, 0.3: 3, 0.4: 3, 0.5: 2, 0.9: 0}
    assert lowest_threshold(alarms.__getitem__, allowed, sorted(alarms)) == pytest.approx(expected)


def test_thresholds_rise_to_nearly_one() -> None:
    assert list(THRESHOLDS) == sorted(set(THRESHOLDS))
    assert 0 < THRESHOLDS[0] <= 0.1
    assert 0.99 < THRESHOLDS[-1] < 1


def test_clip_accuracy_counts_the_highest_label(
    tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clips = [
        clip("word", word_samples(1_000), word="low"),
        clip("word", word_samples(4_000)[:14_000], word="high"),
        clip("word", word_samples(4_000), word="low"),
        clip("noise", word_samples(1_000)),
    ]
    monkeypatch.setattr(evaluate, "read_corpus", lambda *_: clips)
    with choose_backend("cpu", tiny).backend as backend:
        assert clip_accuracy(tiny, backend, tmp_path) == (2, 3)
