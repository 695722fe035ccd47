"""Clips become windows with their word in the middle, or stay as AST was published."""

import numpy as np
import pytest

from training.data.clip_source import ClipItem, ClipSource, as_window

N = 16_000


def spoken_at(place: int, length: int, word: int = 6_000) -> np.ndarray:
    samples = 1e-4 * np.random.default_rng(0).standard_normal(length)
    samples[place : place + word] += 0.5 * np.sin(np.arange(word) * 0.2)
    return samples.astype(np.float32)


@pytest.mark.parametrize(("place", "length"), [(30_000, 48_000), (500, 48_000), (41_000, 48_000)])
def test_of_a_long_clip_the_word_is_kept(place: int, length: int) -> None:
    window = as_window(spoken_at(place, length), N)
    assert window.shape == (N,)
    loud = np.flatnonzero(np.abs(window) > 0.2)
    assert loud[-1] - loud[0] > 5_900  # all of it


def test_the_word_is_in_the_middle_where_there_is_room() -> None:
    loud = np.flatnonzero(np.abs(as_window(spoken_at(30_000, 60_000), N)) > 0.2)
    assert (loud[0] + loud[-1]) / 2 == pytest.approx(N / 2, abs=400)


def test_a_short_clip_stands_in_silence() -> None:
    short = np.ones(4_000, np.float32)
    window = as_window(short, N)
    assert window.shape == (N,)
    np.testing.assert_array_equal(np.flatnonzero(window), np.arange(6_000, 10_000))


def test_a_clip_of_a_windows_length_is_left_as_it_is() -> None:
    samples = spoken_at(2_000, N)
    np.testing.assert_array_equal(as_window(samples, N), samples)


@pytest.mark.parametrize(("window_samples", "length"), [(0, 20_000), (N, N)])
def test_a_source_of_windows_or_of_clips_as_they_are(window_samples: int, length: int) -> None:
    clip = spoken_at(30_000, 48_000)
    item = ClipItem(name="x", read=lambda: clip, labels=(1,))
    source = ClipSource([item], 2, max_samples=20_000, seed=0, window_samples=window_samples)
    samples, target = source.window(0, 0, np.random.default_rng(0))
    assert len(samples) == length
    assert target.tolist() == [0, 1]
    assert (np.abs(samples).max() > 0.2) == bool(window_samples)  # AST cuts the word off
