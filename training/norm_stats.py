"""Computes the mean and standard deviation that normalise a training set's fbanks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.features import fbank
from engine.types import Float32

_LEAST_STD = 1e-3


def norm_stats(clips: Iterable[Float32], config: FbankConfig) -> tuple[float, float, int]:
    """Mean and standard deviation over every value of every frame of every clip.

    AST's published constants were averages over batches with mixup, masks and padding in them;
    this is the plain definition, of real frames alone, and gives other numbers.

    Args:
        clips: Samples in [-1, 1] at the configured rate.
        config: Features; its own mean and std are not used.

    Returns:
        Mean, standard deviation, and the number of frames that they come from.

    Raises:
        ConfigError: No clip has a frame, or all are silent.
    """
    longest = config.frame_length_samples + (config.target_frames - 1) * config.frame_hop_samples
    total, squares, frames = 0.0, 0.0, 0
    for samples in clips:
        log_mel = fbank(samples[:longest], config).astype(np.float64)
        total += float(log_mel.sum())
        squares += float((log_mel**2).sum())
        frames += len(log_mel)
    if not frames:
        raise ConfigError("no clip is as long as a frame; there is nothing to compute from")
    values = frames * config.n_mels
    mean = total / values
    std = float(np.sqrt(max(0.0, squares / values - mean**2)))
    if std < _LEAST_STD:
        raise ConfigError("all clips are silent; there is nothing to normalise by")
    return mean, std, frames
