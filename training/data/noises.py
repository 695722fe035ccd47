"""Synthetic noises and rooms, cheap enough to be drawn anew for every window.

White noise comes from one table at a random place: drawing as many fresh numbers would take longer
than everything else that is done to a window.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ

_TABLE_SAMPLES = 1 << 21  # over two minutes; longer than twice the longest window
_SPECTRUM_KNOTS = 9
_ENVELOPE_KNOTS = 6
_LONGEST_CLICK = 3_200
_LONGEST_ROOM = SAMPLE_RATE_HZ // 2
_FFT_MULTIPLE = 4_000  # 2^5 * 5^3: sizes with small factors are fast


def white_noise(n: int, rng: np.random.Generator) -> Float32:
    """Normal numbers, shape [n], n at most 2^21; a read-only piece of one table."""
    table = _white_table()
    first = int(rng.integers(0, len(table) - n + 1))
    return table[first : first + n]


def coloured_noise(n: int, rng: np.random.Generator) -> Float32:
    """Noise with a random smooth spectrum and a slow random envelope, shape [n]."""
    n_bins = n // 2 + 1
    knots_db = np.cumsum(rng.normal(0, 6, _SPECTRUM_KNOTS)).astype(np.float32)
    gains = np.exp(knots_db * np.float32(np.log(10) / 20) @ _log_curves(n_bins))
    spectrum = white_noise(2 * n_bins, rng).view(np.complex64) * gains
    envelope = rng.uniform(0.3, 1, _ENVELOPE_KNOTS).astype(np.float32) @ _curves(n)
    noise: Float32 = np.fft.irfft(spectrum, n) * envelope
    return noise


def clicks(n: int, rng: np.random.Generator) -> Float32:
    """Claps, knocks and key strokes: short decaying bursts, shape [n]."""
    out = np.zeros(n, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        length = int(rng.integers(80, _LONGEST_CLICK))
        decay = np.float32(rng.uniform(4, 10) / length)
        burst = coloured_noise(_LONGEST_CLICK, rng)[:length]
        burst *= np.exp(-decay * np.arange(length, dtype=np.float32))
        first = int(rng.integers(0, n))
        peak = float(np.abs(burst).max()) + 1e-9
        burst = burst[: n - first] * np.float32(rng.uniform(0.2, 1) / peak)
        out[first : first + len(burst)] += burst
    return out


def hum(n: int, rng: np.random.Generator) -> Float32:
    """Mains hum, beeps and whistles: a few steady partials, shape [n]."""
    time_s = np.arange(n, dtype=np.float32) / np.float32(SAMPLE_RATE_HZ)
    base_hz = float(np.exp(rng.uniform(np.log(50), np.log(3000))))
    out = np.zeros(n, np.float32)
    for partial in range(1, int(rng.integers(2, 6))):
        if base_hz * partial < 7_500:
            phase = np.float32(rng.uniform(0, 2 * np.pi))
            angle = np.float32(2 * np.pi * base_hz * partial) * time_s + phase
            out += np.float32(rng.uniform(0, 1)) * np.sin(angle)
    return out


def reverberate(scene: Float32, rng: np.random.Generator) -> Float32:
    """Convolve with exponentially decaying noise, the simplest model of a room, shape [n]."""
    n = len(scene)
    decay_s = rng.uniform(0.1, 0.6)
    length = int(min(decay_s * SAMPLE_RATE_HZ, _LONGEST_ROOM))
    decay = np.float32(-6.9 / (decay_s * SAMPLE_RATE_HZ))  # 60 dB in decay_s
    tail = white_noise(length, rng) * np.exp(decay * np.arange(length, dtype=np.float32))
    tail *= np.float32(rng.uniform(0.2, 0.9) / (np.sqrt(float(np.sum(tail**2))) + 1e-9))
    tail[0] = 1.0
    size = -(-(n + length) // _FFT_MULTIPLE) * _FFT_MULTIPLE
    wet = np.fft.irfft(np.fft.rfft(scene, size) * np.fft.rfft(tail, size), size)[:n]
    return wet.astype(np.float32, copy=False)


@lru_cache(maxsize=1)
def _white_table() -> Float32:
    table = np.random.default_rng(0).standard_normal(_TABLE_SAMPLES, np.float32)
    table.flags.writeable = False
    return table


@lru_cache(maxsize=4)
def _curves(n: int) -> Float32:
    """What turns a few knots into a curve of n values with straight lines, [knots, n]."""
    knots = np.linspace(0, n, _ENVELOPE_KNOTS)
    return _hats(np.arange(n), knots)


@lru_cache(maxsize=4)
def _log_curves(n: int) -> Float32:
    """The same over a logarithmic axis from 1 to n."""
    return _hats(np.arange(1, n + 1), np.geomspace(1, n, _SPECTRUM_KNOTS))


def _hats(places: np.ndarray, knots: np.ndarray) -> Float32:
    unit = np.eye(len(knots))
    return np.stack([np.interp(places, knots, row) for row in unit]).astype(np.float32)
