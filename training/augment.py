"""Augments a batch of fbanks on the device that trains: voices, microphones, SpecAugment, noise.

What is drawn depends on the seed, the step and the row alone, never on how many processes share the
batch; only the noise differs between a CPU and a GPU.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from engine.config import FbankConfig
from engine.features import mel_centers_hz, mel_matrix
from training.settings import AugmentConfig

_MASKS, _NOISE, _VOICE = 101, 102, 103
_ROLL_FRAMES = 10
_EQUALIZER_KNOTS = 5
_DB = float(np.log(10) / 10)  # one decibel of power on a natural log-mel


class Augment:
    """Augments the rows of a batch that this process has.

    Args:
        config: What to do.
        fbank: Tells what hides, the mean or a log-mel of 0, and where the mel bins lie.
        seed: Of everything drawn.
    """

    def __init__(self, config: AugmentConfig, fbank: FbankConfig, seed: int) -> None:
        self.config = config
        self._hidden = fbank.mean if config.mask_value == "mean" else 0.0
        self._seed = seed
        self._log_floor = float(np.log(fbank.log_floor))
        self._centers_hz = mel_centers_hz(fbank)
        weights = mel_matrix(fbank).sum(axis=0)
        self._empty = weights == 0
        # What a bin shows of a flat spectrum; taken off before bins are mixed with others.
        self._bin_levels = np.log(np.where(self._empty, 1, weights))

    def change_voice(self, log_mel: Tensor, step: int, rows: npt.NDArray[np.int64]) -> Tensor:
        """Another speaker at another microphone, on log-mels before they are padded.

        The frequency axis is stretched (vocal tract length perturbation, Jaitly and Hinton 2013)
        and a random smooth gain over frequency is added (FilterAugment, Nam et al. 2022).

        Args:
            log_mel: [B, T, F].
            step: The optimiser step.
            rows: Which rows of the whole batch these are, shape [B].
        """
        config = self.config
        if not config.warp and not config.equalize_db:
            return log_mel
        draws = 2 * row_draws((self._seed, step, _VOICE), rows, 1 + _EQUALIZER_KNOTS) - 1
        mixtures = self._stretched(1 + config.warp * draws[:, 0])  # [B, F, F]
        gains = _equalizer_curves(log_mel.shape[2], draws[:, 1:] * config.equalize_db)
        gains += self._bin_levels - self._bin_levels @ mixtures
        gains[:, self._empty] = 0
        moved = log_mel @ torch.from_numpy(mixtures).to(log_mel.device)
        moved += torch.from_numpy(gains).to(log_mel.device)[:, None, :]
        return moved.clamp_(min=self._log_floor)

    def _stretched(self, factors: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
        """Matrices that read each bin at its factor times the frequency, [B, F from, F to]."""
        centers, full = self._centers_hz, np.flatnonzero(~self._empty)
        sources_hz = np.minimum(centers * factors[:, None], centers[full[-1]])  # [B, F]
        places = np.interp(sources_hz, centers[full], np.arange(len(full)))
        lower = np.minimum(places.astype(int), len(full) - 2)
        share = places - lower
        matrices = np.zeros((len(factors), len(centers), len(centers)), np.float32)
        row, column = np.indices(lower.shape)
        matrices[row, full[lower], column] = 1 - share
        matrices[row, full[lower + 1], column] = share
        matrices[:, :, self._empty] = np.eye(len(centers), dtype=np.float32)[:, self._empty]
        return matrices

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


def _equalizer_curves(n_mels: int, knots_db: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Gains on a natural log-mel, [B, n_mels], straight between knots [B, n] in decibels."""
    places = np.linspace(0, knots_db.shape[1] - 1, n_mels)
    lower = np.minimum(places.astype(int), knots_db.shape[1] - 2)
    share = places - lower
    curves = knots_db[:, lower] * (1 - share) + knots_db[:, lower + 1] * share
    scaled: npt.NDArray[np.float32] = (curves * _DB).astype(np.float32)
    return scaled


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
