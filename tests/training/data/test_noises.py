"""Synthetic noises are of many kinds, and rooms answer as rooms do."""

import numpy as np
import pytest
from signals import RATE_HZ

from training.data.noises import clicks, coloured_noise, hum, reverberate, white_noise

N = 16_000


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("make", [white_noise, coloured_noise, clicks, hum])
@pytest.mark.parametrize("n", [N, 12_801])
def test_every_noise_is_as_long_as_asked_and_never_the_same(make: object, n: int) -> None:
    draws = [make(n, rng(seed)) for seed in range(8)]
    for noise in draws:
        assert noise.shape == (n,)
        assert noise.dtype == np.float32
        assert np.isfinite(noise).all()
        assert noise.any()
    for noise in draws[1:]:
        assert not np.array_equal(noise, draws[0])
    np.testing.assert_array_equal(make(n, rng()), draws[0])


def test_white_noise_is_white_and_cannot_be_written_to() -> None:
    noise = white_noise(1 << 17, rng())
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(1, abs=0.01)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[: len(power) // 2].mean(), power[len(power) // 2 :].mean()
    assert low == pytest.approx(high, rel=0.05)
    with pytest.raises(ValueError, match="read-only"):
        noise[0] = 1


def test_coloured_noise_has_a_colour_and_swells() -> None:
    slopes_db, swells = [], []
    for seed in range(40):
        noise = coloured_noise(N, rng(seed))
        power = np.abs(np.fft.rfft(noise)) ** 2
        slopes_db.append(10 * np.log10(power[10:40].mean() / power[4_000:].mean()))
        levels = np.sqrt(np.mean(noise.reshape(20, -1) ** 2, axis=1))
        swells.append(levels.max() / levels.min())
    assert np.std(slopes_db) > 8  # dark, bright and in between
    assert min(slopes_db) < 0 < max(slopes_db)
    assert 1.3 < np.median(swells) < 6


def test_clicks_are_short_bursts() -> None:
    quiet_shares = [np.mean(np.abs(clicks(N, rng(seed))) < 1e-3) for seed in range(20)]
    assert np.median(quiet_shares) > 0.4
    peaks = [np.abs(clicks(N, rng(seed))).max() for seed in range(20)]
    assert 0.15 < min(peaks) < max(peaks) < 3


def test_hum_has_a_few_steady_partials() -> None:
    for seed in range(10):
        spectrum = np.abs(np.fft.rfft(hum(N, rng(seed)) * np.hanning(N))) ** 2
        strongest = np.sort(spectrum)[::-1]
        assert strongest[:25].sum() > 0.97 * spectrum.sum()


def test_a_room_answers_after_the_sound_and_dies_away() -> None:
    impulse = np.zeros(N, np.float32)
    impulse[4_000] = 1
    for seed in range(5):
        wet = reverberate(impulse, rng(seed))
        assert wet.dtype == np.float32
        assert np.abs(wet[:4_000]).max() < 1e-5  # nothing before, nothing from round the end
        assert wet[4_000] == pytest.approx(1, abs=1e-4)
        tail = wet[4_001 : 4_000 + RATE_HZ // 2]
        assert 0.15 < float(np.sqrt(np.sum(tail**2))) < 0.95
        assert np.sum(tail[:800] ** 2) > 3 * np.sum(tail[1_600:2_400] ** 2)


def test_a_room_is_a_convolution() -> None:
    sound = np.random.default_rng(3).standard_normal(N).astype(np.float32)
    first = np.zeros(N, np.float32)
    first[0] = 1
    response = reverberate(first, rng(7))
    expected = np.convolve(sound.astype(float), response.astype(float))[:N]
    np.testing.assert_allclose(reverberate(sound, rng(7)), expected, atol=1e-3)
