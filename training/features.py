"""Batched torch twin of engine.features; taper and mel matrix come from there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from engine.config import FbankConfig
from engine.features import hann_taper, mel_matrix

_ROWS_IN_CACHE = 4


class BatchFbank:
    """Model inputs of a batch of windows, in three stages: log-mel, padded, normalised."""

    def __init__(self, config: FbankConfig, device: torch.device | None = None) -> None:
        self.config = config
        self._taper = torch.from_numpy(hann_taper(config)).to(device)
        self._mels = torch.from_numpy(mel_matrix(config)).to(device)

    def log_mel(self, samples: Tensor) -> Tensor:
        """Fbank of each row, [B, n_samples] to [B, n_frames, n_mels]."""
        if samples.device.type != "cpu":
            return self._log_mel(samples)
        # A few rows at a time stay in a core's cache: half the time of the whole batch at once.
        return torch.cat([self._log_mel(rows) for rows in torch.split(samples, _ROWS_IN_CACHE)])

    def _log_mel(self, samples: Tensor) -> Tensor:
        config = self.config
        frames = samples.unfold(1, config.frame_length_samples, config.frame_hop_samples)
        frames = frames * config.amplitude_scale  # [B, n_frames, frame_length]
        if config.remove_dc:
            frames = frames - frames.mean(dim=2, keepdim=True)
        previous = torch.cat([frames[:, :, :1], frames[:, :, :-1]], dim=2)
        frames = (frames - config.preemphasis * previous) * self._taper
        spectrum = torch.fft.rfft(frames, config.fft_samples)
        power = spectrum.real**2 + spectrum.imag**2
        return torch.log(torch.clamp(power @ self._mels, min=config.log_floor))

    def padded(self, samples: Tensor, n_samples: Tensor | None = None) -> Tensor:
        """Log-mel of each row, cut or padded at its end to target_frames.

        Args:
            samples: [B, n].
            n_samples: Where each row ends, [B]; None if all are of one length.

        Returns:
            [B, target_frames, n_mels], not normalised; padded rows hold what normalises to the
            configured padding.
        """
        return self.pad(self.cut_log_mel(samples), n_samples)

    def cut_log_mel(self, samples: Tensor) -> Tensor:
        """Log-mel of each row, [B, n] to [B, T, n_mels], T at most target_frames and at least 1."""
        config = self.config
        length, hop = config.frame_length_samples, config.frame_hop_samples
        samples = samples[:, : length + (config.target_frames - 1) * hop]
        if samples.shape[1] < length:
            samples = functional.pad(samples, (0, length - samples.shape[1]))
        return self.log_mel(samples)

    def pad(self, log_mel: Tensor, n_samples: Tensor | None = None) -> Tensor:
        """The end of each row padded to target_frames, where `padded` says.

        Args:
            log_mel: [B, at most target_frames, n_mels].
            n_samples: Where each row ends, [B]; None if all are of one length.
        """
        config = self.config
        padding = self._padding()
        missing = config.target_frames - log_mel.shape[1]
        log_mel = functional.pad(log_mel, (0, 0, 0, missing), value=padding)
        if n_samples is None:
            return log_mel
        length, hop = config.frame_length_samples, config.frame_hop_samples
        n_frames = torch.clamp((n_samples - length) // hop + 1, min=0)  # only whole frames
        position = torch.arange(config.target_frames, device=log_mel.device)
        beyond = position >= n_frames.to(log_mel.device)[:, None]
        return log_mel.masked_fill(beyond.unsqueeze(2), padding)

    def normalize(self, log_mel: Tensor) -> Tensor:
        """What the model takes, from padded log-mels."""
        return (log_mel - self.config.mean) / (self.config.std_factor * self.config.std)

    def __call__(self, samples: Tensor, n_samples: Tensor | None = None) -> Tensor:
        """Model input of each row, [B, n] to [B, target_frames, n_mels]."""
        return self.normalize(self.padded(samples, n_samples))

    def _padding(self) -> float:
        config = self.config
        if config.padding_stage == "before_normalization":
            return config.padding_value
        return config.padding_value * config.std_factor * config.std + config.mean
