"""Scoring goes through the shipped stages."""

import numpy as np
import pytest
from signals import tone_stream

from engine.backends import choose_backend
from engine.config import DecisionConfig
from engine.manifest import ModelManifest
from training.evaluation.scored import ScoredStream, detect, score_pieces, score_stream
from training.evaluation.streams import Stream


def tones(samples: np.ndarray | None = None) -> Stream:
    return Stream(name="tones", kind="words", samples=tone_stream() if samples is None else samples)


def scored(manifest: ModelManifest, stream: Stream) -> ScoredStream:
    with choose_backend("cpu", manifest).backend as backend:
        return score_stream(manifest, backend, stream)


def test_a_stream_is_scored_and_decided_as_the_application_does(tiny: ModelManifest) -> None:
    found = scored(tiny, tones())
    n_windows = (len(tone_stream()) - 16_000) // 1_600 + 1
    assert found.posteriors.shape == (n_windows, 4)
    assert found.end_samples[0] == 16_000
    assert found.hours == pytest.approx(len(tone_stream()) / 16_000 / 3600)
    assert len(found.stream.samples) == 0
    heard = detect(tiny, found, tiny.decision)
    assert [item.keyword for item in heard] == ["low", "high", "low"]
    assert 1.5 < heard[0].time_s < 3.0


def test_pieces_are_scored_as_the_whole(tiny: ModelManifest) -> None:
    samples = tone_stream()
    with choose_backend("cpu", tiny).backend as backend:
        pieces = score_pieces(tiny, backend, tones(samples[:0]), np.split(samples, [777, 50_001]))
    whole = scored(tiny, tones())
    np.testing.assert_array_equal(pieces.posteriors, whole.posteriors)
    np.testing.assert_array_equal(pieces.end_samples, whole.end_samples)
    assert pieces.hours == whole.hours


def test_without_keywords_nothing_fires(tiny: ModelManifest) -> None:
    assert detect(tiny, scored(tiny, tones()), DecisionConfig()) == []


def test_an_empty_stream_has_no_window(tiny: ModelManifest) -> None:
    assert scored(tiny, tones(np.zeros(100, np.float32))).posteriors.shape == (0, 4)


def test_how_far_it_is_can_be_shown_while_a_stream_is_scored(tiny: ModelManifest) -> None:
    shares: list[float] = []
    stream = tones(np.tile(tone_stream(), 4))
    with choose_backend("cpu", tiny).backend as backend:
        score_stream(tiny, backend, stream, shares.append)
    assert shares == [
        start / len(stream.samples) for start in range(0, len(stream.samples), 160_000)
    ]
    assert len(shares) > 1
