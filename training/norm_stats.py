"""Computes the mean and standard deviation that normalise a training set's fbanks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.features import fbank
from engine.types import Float32


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
        ConfigError: No clip has a frame.
    """
    total, squares, frames = 0.0, 0.0, 0
    for samples in clips:
        log_mel = fbank(samples, config)[: config.target_frames].astype(np.float64)
        total += float(log_mel.sum())
        squares += float((log_mel**2).sum())
        frames += len(log_mel)
    if not frames:
        raise ConfigError("no clip is as long as a frame; there is nothing to compute from")
    values = frames * config.n_mels
    mean = total / values
    return mean, float(np.sqrt(max(0.0, squares / values - mean**2))), frames
