"""Log-mel filterbank features (fbank), the one definition that everything else follows.

Equal to Kaldi's `compute-fbank-feats` with a symmetric Hann taper, as AST uses it
(torchaudio.compliance.kaldi.fbank is the outside reference in the tests).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.types import Float32


@lru_cache(maxsize=8)
def hann_taper(config: FbankConfig) -> Float32:
    """Symmetric Hann taper, shape [frame_length_samples]."""
    n = config.frame_length_samples
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / (n - 1))).astype(np.float32)


@lru_cache(maxsize=8)
def mel_matrix(config: FbankConfig) -> Float32:
    """Triangular mel filters over the power spectrum, shape [fft_samples // 2 + 1, n_mels].

    Kaldi's filters: triangles on the scale 1127 ln(1 + f / 700), not normalised, the Nyquist
    bin unused.
    """
    n_bins = config.fft_samples // 2
    bin_mel = _mel(np.arange(n_bins) * config.sample_rate_hz / config.fft_samples)
    low_mel, high_mel = _mel(np.array([config.low_hz, config.high_hz]))
    spacing = (high_mel - low_mel) / (config.n_mels + 1)
    left = low_mel + np.arange(config.n_mels) * spacing
    rising = (bin_mel[:, None] - left) / spacing
    falling = (left + 2 * spacing - bin_mel[:, None]) / spacing
    filters = np.zeros((n_bins + 1, config.n_mels), np.float32)
    filters[:n_bins] = np.maximum(0.0, np.minimum(rising, falling))
    return filters


def mel_centers_hz(config: FbankConfig) -> Float32:
    """Where the triangles of `mel_matrix` have their peaks, rising, shape [n_mels]."""
    low_mel, high_mel = _mel(np.array([config.low_hz, config.high_hz]))
    centers_mel = np.linspace(low_mel, high_mel, config.n_mels + 2)[1:-1]
    centers: Float32 = (700.0 * np.expm1(centers_mel / 1127.0)).astype(np.float32)
    return centers


def _mel(hz: np.ndarray) -> np.ndarray:
    return 1127.0 * np.log1p(hz / 700.0)


def fbank(samples: Float32, config: FbankConfig) -> Float32:
    """Log-mel energies of every frame that fits wholly into the samples.

    Args:
        samples: Mono samples in [-1, 1], shape [n_samples].
        config: What to compute.

    Returns:
        Natural logarithms of mel energies, shape [n_frames, n_mels]; n_frames may be 0.

    Raises:
        ConfigError: The samples are not one-dimensional.
    """
    if samples.ndim != 1:
        raise ConfigError(f"fbank got samples of shape {samples.shape}; it wants [n_samples]")
    if config.n_frames(len(samples)) == 0:
        return np.empty((0, config.n_mels), np.float32)
    bins, weights, starts = _mel_bands(config)
    parts = _power(samples, config).take(bins, axis=1)
    parts *= weights
    energies = np.add.reduceat(parts, starts, axis=1)
    logs: Float32 = np.log(np.maximum(energies, np.float32(config.log_floor)))
    return logs


@lru_cache(maxsize=8)
def _mel_bands(config: FbankConfig) -> tuple[np.ndarray, Float32, np.ndarray]:
    """The nonzero entries of `mel_matrix`, mel by mel: FFT bins, weights, and each mel's first.

    A product with the whole matrix would go through BLAS, which rounds a row by its place among
    others, so that cached frames were no longer equal to fresh ones, and whose threads wait by
    spinning. A mel without any bin gets one of weight 0.
    """
    filters = mel_matrix(config)
    bins = [np.flatnonzero(column) if column.any() else np.array([0]) for column in filters.T]
    weights = [column[used] for column, used in zip(filters.T, bins, strict=True)]
    starts = np.cumsum([0, *(len(used) for used in bins[:-1])])
    return np.concatenate(bins), np.concatenate(weights), starts


def _power(samples: Float32, config: FbankConfig) -> Float32:
    """Power spectra of all whole frames, shape [n_frames, fft_samples // 2 + 1].

    A frame's first sample is left out: the taper is zero there, and a shift changes no power.
    """
    samples = np.asarray(samples, np.float32) * np.float32(config.amplitude_scale)
    frames = _frames(samples, config)
    if config.remove_dc:
        sums = np.add.reduce(frames, axis=1, keepdims=True)
        frames = np.subtract(frames, sums / np.float32(config.frame_length_samples))
    emphasised = frames[:, 1:] - np.float32(config.preemphasis) * frames[:, :-1]
    emphasised *= hann_taper(config)[1:]
    spectrum = np.fft.rfft(emphasised, config.fft_samples)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)


def _frames(samples: Float32, config: FbankConfig) -> Float32:
    """A view of overlapping frames, [n_frames, frame_length_samples]; quicker than numpy's own."""
    hop, step = config.frame_hop_samples, samples.strides[0]
    shape = (config.n_frames(len(samples)), config.frame_length_samples)
    return np.ndarray(shape, np.float32, samples, 0, (hop * step, step))


def model_input(log_mel: Float32, config: FbankConfig) -> Float32:
    """Pad and normalise one fbank as the model wants it.

    Args:
        log_mel: Output of `fbank`, shape [n_frames, n_mels], n_frames <= target_frames.
        config: Padding and normalisation.

    Returns:
        Shape [target_frames, n_mels].
    """
    scale = np.float32(1 / (config.std_factor * config.std))
    if config.padding_stage == "before_normalization":
        normalized = (pad_log_mel(log_mel, config) - np.float32(config.mean)) * scale
    else:
        normalized = pad_log_mel((log_mel - np.float32(config.mean)) * scale, config)
    return normalized


def pad_log_mel(log_mel: Float32, config: FbankConfig) -> Float32:
    """Pad an fbank at its end to target_frames rows of the padding value."""
    out = np.full((config.target_frames, config.n_mels), config.padding_value, np.float32)
    out[: len(log_mel)] = log_mel
    return out


class WindowFbank:
    """Fbank of overlapping windows that computes only the frames not seen before.

    The result equals `fbank` of the whole window bit for bit.
    """

    def __init__(self, config: FbankConfig) -> None:
        self._config = config
        self._frames: Float32 = np.empty((0, config.n_mels), np.float32)
        self._end_sample = -1

    def compute(self, samples: Float32, end_sample: int) -> Float32:
        """Fbank of one window.

        Args:
            samples: The window, shape [window_samples].
            end_sample: Absolute index after its last sample.

        Returns:
            Shape [n_frames, n_mels]; owned by the caller.
        """
        kept = self._reusable_frames(len(samples), end_sample)
        fresh = fbank(samples[kept * self._config.frame_hop_samples :], self._config)
        first_kept = len(self._frames) - kept
        self._frames = np.concatenate([self._frames[first_kept:], fresh])
        self._end_sample = end_sample
        return self._frames.copy()

    def _reusable_frames(self, n_samples: int, end_sample: int) -> int:
        """Frames of the last window that stand at the head of this one."""
        advance = end_sample - self._end_sample
        n_frames = self._config.n_frames(n_samples)
        if self._end_sample < 0 or advance < 0 or len(self._frames) != n_frames:
            return 0
        if advance % self._config.frame_hop_samples:
            return 0
        return max(0, n_frames - advance // self._config.frame_hop_samples)
