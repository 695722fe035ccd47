"""What a window hop costs in features, against computing the whole window again."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks.timing import compare, table
from engine.config import FbankConfig, WindowConfig
from engine.features import WindowFbank, fbank
from engine.types import Float32


def report(rounds: int) -> str:
    """Time the features of one window.

    Args:
        rounds: Repetitions.

    Returns:
        A Markdown table.
    """
    config, windows = FbankConfig(), WindowConfig()
    rng = np.random.default_rng(0)
    n_samples = windows.window_samples + (rounds + 1) * windows.hop_samples
    stream = (0.1 * rng.standard_normal(n_samples)).astype(np.float32)
    hopping = _Hopping(stream, config, windows)
    whole = stream[: windows.window_samples]
    return table(
        compare(
            {
                "whole window": partial(fbank, whole, config),
                "one window hop": hopping.next,
            },
            rounds=rounds,
        )
    )


class _Hopping:
    """Moves through a stream one window hop a call."""

    def __init__(self, stream: Float32, config: FbankConfig, windows: WindowConfig) -> None:
        self._stream = stream
        self._windows = windows
        self._fbank = WindowFbank(config)
        self._end_sample = windows.window_samples
        self._fbank.compute(stream[: self._end_sample], self._end_sample)

    def next(self) -> Float32:
        self._end_sample += self._windows.hop_samples
        window = self._stream[self._end_sample - self._windows.window_samples : self._end_sample]
        return self._fbank.compute(window, self._end_sample)
