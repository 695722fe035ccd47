"""Mixing and resampling of a stream, block by block."""

import contextlib

import numpy as np
import pytest
from signals import blocks, white_noise

from engine.audio.source import MonoResampler, check_rate, check_samples
from engine.errors import SourceError


def converted(samples: np.ndarray, from_hz: int, sizes: list[int]) -> np.ndarray:
    resampler = MonoResampler(from_hz, 16_000)
    parts = [resampler.convert(block) for block in blocks(samples, sizes)]
    return np.concatenate([*parts, resampler.convert(samples[:0], last=True)])


@pytest.mark.parametrize("from_hz", [16_000, 44_100, 48_000])
@pytest.mark.parametrize("sizes", [[1, 37], [441], [8_000]])
def test_block_sizes_change_nothing(from_hz: int, sizes: list[int]) -> None:
    samples = white_noise(0.7)[:, None]
    whole = converted(samples, from_hz, [len(samples)])
    np.testing.assert_array_equal(converted(samples, from_hz, sizes), whole)
    assert abs(len(whole) - len(samples) * 16_000 / from_hz) <= 1


def test_the_result_is_not_the_callers_memory() -> None:
    samples = np.zeros((10, 2), np.float32)
    samples[:, 1] = 1
    mono = MonoResampler(16_000, 16_000).convert(samples)
    np.testing.assert_array_equal(mono, np.full(10, 0.5))
    assert mono.dtype == np.float32


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.1e8, -1.1e8])
def test_samples_that_no_recording_holds_are_told_with_their_place(bad: float) -> None:
    samples = np.full((100, 2), -1e8, np.float32)
    check_samples(samples, "a.wav", 0)
    samples[42, 1] = bad
    with pytest.raises(SourceError) as refused:
        check_samples(samples, "a.wav", 1_000)
    assert str(refused.value).startswith(f"a.wav holds the sample {bad:g} at frame 1042; ")


@pytest.mark.parametrize(("rate_hz", "ok"), [(999, 0), (1_000, 1), (768_000, 1), (768_001, 0)])
def test_absurd_rates_are_refused(rate_hz: int, ok: int) -> None:
    with (
        contextlib.nullcontext()
        if ok
        else pytest.raises(SourceError, match=f"a.wav claims {rate_hz} ")
    ):
        check_rate(rate_hz, "a.wav")
