"""Augments a batch of fbanks on the device that trains: SpecAugment, noise, roll.

What is drawn depends on the seed, the step and the row alone, never on how many processes share the
batch; only the noise differs between a CPU and a GPU.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.config import FbankConfig
from training.settings import AugmentConfig

_MASKS, _NOISE = 101, 102
_ROLL_FRAMES = 10


class Augment:
    """Augments the rows of a batch that this process has.

    Args:
        config: What to do.
        fbank: Tells what hides: the mean, or a log-mel of 0.
        seed: Of everything drawn.
    """

    def __init__(self, config: AugmentConfig, fbank: FbankConfig, seed: int) -> None:
        self.config = config
        self._hidden = fbank.mean if config.mask_value == "mean" else 0.0
        self._seed = seed

    def mask(self, log_mel: Tensor, step: int, rows: npt.NDArray[np.int64]) -> Tensor:
        """SpecAugment (Park et al. 2019) on padded log-mels, before they are normalised.

        Args:
            log_mel: [B, T, F].
            step: The optimiser step.
            rows: Which rows of the whole batch these are, shape [B].
        """
        config = self.config
        sizes = ((log_mel.shape[2], config.mask_mels, 2), (log_mel.shape[1], config.mask_frames, 1))
        draws = row_draws((self._seed, step, _MASKS), rows, 4 * config.masks)
        for kind, (size, limit, axis) in enumerate(sizes):
            for number in range(config.masks if limit else 0):
                width, start = draws[:, 4 * number + 2 * kind : 4 * number + 2 * kind + 2].T
                width = width * min(limit, size)
                start = np.floor(start * (size - width))
                span = np.stack([start, start + np.floor(width)], axis=1)
                first, last = torch.from_numpy(span).to(log_mel.device).T[:, :, None]
                grid = torch.arange(size, device=log_mel.device)
                masked = (grid >= first) & (grid < last)  # [B, size]
                log_mel = log_mel.masked_fill(masked.unsqueeze(3 - axis), self._hidden)
        return log_mel

    def disturb(
        self, model_input: Tensor, step: int, rows: npt.NDArray[np.int64], total: int
    ) -> Tensor:
        """AST's noise for Speech Commands, on normalised inputs [B, T, F].

        A matrix of U(0, 1) times one number of U(0, 0.1) is added; then the input is rolled in
        time by -10 to 9 frames, round the padding.

        Args:
            model_input: [B, T, F].
            step: The optimiser step.
            rows: Which rows of the whole batch these are, shape [B].
            total: Rows of the whole batch; noise is drawn for all, so that each row has its own.
        """
        if not self.config.noise:
            return model_input
        device, (_, n_frames, n_mels) = model_input.device, model_input.shape
        draws = torch.from_numpy(row_draws((self._seed, step, _NOISE), rows, 2)).to(device)
        seed = int(np.random.SeedSequence((self._seed, step, _NOISE)).generate_state(1)[0])
        generator = torch.Generator(device).manual_seed(seed)
        noise = torch.rand((total, n_frames, n_mels), generator=generator, device=device)
        noise = noise[torch.from_numpy(rows).to(device)]
        louder = model_input + noise * (draws[:, 1, None, None] / 10).to(noise.dtype)
        shifts = torch.floor(draws[:, :1] * 2 * _ROLL_FRAMES).long() - _ROLL_FRAMES
        source = (torch.arange(n_frames, device=device) - shifts) % n_frames  # [B, T]
        return louder.gather(1, source.unsqueeze(2).expand(-1, -1, n_mels))


def row_draws(
    seed: tuple[int, ...], rows: npt.NDArray[np.int64], count: int
) -> npt.NDArray[np.float64]:
    """Uniform numbers for some rows of a batch, [B, count]; a row's do not depend on the others.

    Args:
        seed: Seed of the run, step, and what is drawn.
        rows: Which rows, shape [B].
        count: Numbers for each.
    """
    total = int(rows.max()) + 1 if len(rows) else 0
    draws: npt.NDArray[np.float64] = np.random.default_rng(seed).random((total, count))[rows]
    return draws
