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

# BLAS may round a row differently when a product has another number of rows. Frames always go
# through the mel product in groups of this many, so a frame's value never depends on its company.
_FRAME_GROUP = 16


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
    n_frames = config.n_frames(len(samples))
    out = np.empty((n_frames, config.n_mels), np.float32)
    hop = config.frame_hop_samples
    for first in range(0, n_frames, _FRAME_GROUP):
        count = min(_FRAME_GROUP, n_frames - first)
        stop = (first + count - 1) * hop + config.frame_length_samples
        out[first : first + count] = _frame_group(samples[first * hop : stop], count, config)
    return out


def _frame_group(samples: Float32, count: int, config: FbankConfig) -> Float32:
    """Fbank of `count` frames (at most _FRAME_GROUP), computed as a full group."""
    length = config.frame_length_samples
    frames = np.zeros((_FRAME_GROUP, length), np.float32)
    views = np.lib.stride_tricks.sliding_window_view(samples, length)
    frames[:count] = views[:: config.frame_hop_samples]
    if config.amplitude_scale != 1:
        frames *= np.float32(config.amplitude_scale)
    if config.remove_dc:
        frames -= frames.mean(axis=1, keepdims=True)
    # The first sample of a frame needs none: the taper is zero there.
    frames[:, 1:] -= np.float32(config.preemphasis) * frames[:, :-1]
    frames *= hann_taper(config)
    spectrum = np.fft.rfft(frames, config.fft_samples)
    power = spectrum.real**2 + spectrum.imag**2
    energies = power @ mel_matrix(config)
    logs: Float32 = np.log(np.maximum(energies[:count], np.float32(config.log_floor)))
    return logs


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
