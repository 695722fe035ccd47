"""The heart: the same audio gives the same detections, however it arrives."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import LOW_HZ, RATE_HZ, blocks, silence, tone, tone_stream, white_noise
from tiny_model import without_smoothing

from engine.backends import choose_backend
from engine.features import fbank, model_input
from engine.manifest import ModelManifest, load_manifest
from engine.scorer import ScoredWindow, StreamScorer, sigmoid, softmax

RANDOM_SIZES = [int(n) for n in np.random.default_rng(5).integers(1, 5_000, 200)]


def score(
    manifest: ModelManifest, parts: list[np.ndarray], *, newest_only: bool = False
) -> list[ScoredWindow]:
    with choose_backend("cpu", manifest).backend as backend:
        scorer = StreamScorer(manifest, backend, manifest.decision, newest_only=newest_only)
        return [scored for part in parts for scored in scorer.process(part)]


def heard(scored: list[ScoredWindow]) -> list[tuple[str, int, float]]:
    return [(d.keyword, d.end_sample, d.score) for window in scored for d in window.detections]


@pytest.fixture(scope="module")
def default(default_folder: Path) -> ModelManifest:
    return load_manifest(default_folder)


@pytest.mark.parametrize("sizes", [[1], [37], [160], [512], [1_600], [8_000], RANDOM_SIZES])
def test_block_sizes_change_nothing(tiny: ModelManifest, sizes: list[int]) -> None:
    samples = tone_stream()
    whole = score(tiny, [samples])
    assert [word for word, *_ in heard(whole)] == ["low", "high", "low"]
    cut = score(tiny, blocks(samples, sizes))
    assert heard(cut) == heard(whole)
    assert len(cut) == len(whole) == (len(samples) - RATE_HZ) // 1_600 + 1


@pytest.mark.parametrize("sizes", [[512], [1_600], [8_000], RANDOM_SIZES])
def test_block_sizes_change_nothing_with_the_shipped_model(
    default: ModelManifest, demo_path: Path, sizes: list[int]
) -> None:
    samples, _ = soundfile.read(demo_path, dtype="float32", frames=6 * RATE_HZ)
    whole = score(default, [samples])
    cut = score(default, blocks(samples, sizes))
    assert heard(whole)
    assert heard(cut) == heard(whole)
    for one, other in zip(cut, whole, strict=True):
        np.testing.assert_array_equal(one.posteriors.probs, other.posteriors.probs)


@pytest.mark.parametrize(
    "samples",
    [
        silence(5),
        white_noise(5, 0.1),
        white_noise(5, 0.001),
        np.full(80_000, 0.5, np.float32),
        tone(50, 5, 0.05),
    ],
    ids=["silence", "loud noise", "faint noise", "constant", "hum"],
)
def test_the_shipped_model_is_silent_for(default: ModelManifest, samples: np.ndarray) -> None:
    assert heard(score(default, [samples])) == []


def test_one_sound_is_one_detection_and_two_are_two(tiny: ModelManifest) -> None:
    one = np.concatenate([silence(1.2), tone(LOW_HZ, 0.5), silence(2)])
    assert len(heard(score(tiny, [one]))) == 1
    # Two onsets 1.2 s apart.
    two = np.concatenate([silence(1.2), tone(LOW_HZ, 0.3), silence(0.9), tone(LOW_HZ, 0.3)])
    two = np.concatenate([two, silence(1.5)])
    assert len(heard(score(without_smoothing(tiny.folder), [two]))) == 2


def test_every_window_ends_on_the_grid_and_carries_posteriors(tiny: ModelManifest) -> None:
    scored = score(tiny, [white_noise(2)])
    ends = [window.posteriors.end_sample for window in scored]
    assert ends == list(range(16_000, 32_001, 1_600))
    for window in scored:
        assert window.posteriors.probs.shape == (4,)
        assert window.posteriors.probs.sum() == pytest.approx(1)


def test_a_live_stream_that_fell_behind_scores_the_newest_window(tiny: ModelManifest) -> None:
    scored = score(tiny, [white_noise(3)], newest_only=True)
    assert [(w.posteriors.end_sample, w.skipped_windows) for w in scored] == [(48_000, 20)]


def test_a_recording_longer_than_the_ring_loses_nothing(tiny: ModelManifest) -> None:
    scored = score(tiny, [white_noise(20)])
    assert len(scored) == 191
    assert sum(window.skipped_windows for window in scored) == 0


def test_no_window_spans_a_gap(tiny: ModelManifest) -> None:
    with choose_backend("cpu", tiny).backend as backend:
        scorer = StreamScorer(tiny, backend, tiny.decision)
        before = list(scorer.process(white_noise(1.5)))
        scorer.pass_gap(4_000)
        after = list(scorer.process(white_noise(1.5)))
        assert scorer.end_sample == 52_000
    assert [w.posteriors.end_sample for w in before] == list(range(16_000, 24_001, 1_600))
    # The gap ends at 28,000; the grid goes on at 28,800.
    assert [w.posteriors.end_sample for w in after] == list(range(44_800, 52_001, 1_600))


def test_what_is_taken_is_told_before_it_is_scored(tiny: ModelManifest) -> None:
    samples = white_noise(1.5)
    told: list[np.ndarray] = []
    lost: list[int] = []

    def hear(taken: np.ndarray, lost_before: int) -> None:
        told.append(taken.copy())
        lost.append(lost_before)

    with choose_backend("cpu", tiny).backend as backend:
        scorer = StreamScorer(tiny, backend, tiny.decision, on_audio=hear)
        for scored in scorer.process(samples):
            assert sum(map(len, told)) == scored.posteriors.end_sample
            break  # the rest of the block is never taken
        assert sum(map(len, told)) == scorer.end_sample == 16_000
        scorer.pass_gap(4_000)
        list(scorer.process(samples[:100]))
    np.testing.assert_array_equal(
        np.concatenate(told), np.concatenate([samples[:16_000], samples[:100]])
    )
    assert lost == [0] * 10 + [4_000, 0]


def test_a_window_carries_what_decided(tiny: ModelManifest) -> None:
    scored = score(tiny, [tone_stream()])
    for last, window in itertools.pairwise(scored):
        mean = (last.posteriors.probs + window.posteriors.probs) / 2
        np.testing.assert_allclose(window.smoothed, mean, atol=1e-6)
        for detection in window.detections:
            assert detection.score == window.smoothed[tiny.labels.index(detection.keyword)]
    assert {"low": "not re-armed"} in [window.held_back for window in scored]


def test_a_window_carries_what_the_model_saw(tiny: ModelManifest) -> None:
    last = score(tiny, [tone_stream()[:32_000]])[-1]
    log_mel = fbank(tone_stream()[16_000:32_000], tiny.fbank)
    np.testing.assert_array_equal(last.features, model_input(log_mel, tiny.fbank))


def test_the_stopwatch_decides_nothing(tiny: ModelManifest) -> None:
    samples = tone_stream()
    expected = heard(score(tiny, [samples]))
    with choose_backend("cpu", tiny).backend as backend:
        scorer = StreamScorer(tiny, backend, tiny.decision, stopwatch=lambda: 1e9)
        assert heard(list(scorer.process(samples))) == expected


def test_activations() -> None:
    logits = np.array([1000, 1000, -1000], np.float32)
    np.testing.assert_allclose(softmax(logits), [0.5, 0.5, 0], atol=1e-7)
    np.testing.assert_allclose(sigmoid(logits), [1, 1, 0], atol=1e-7)
    assert softmax(logits).dtype == sigmoid(logits).dtype == np.float32
