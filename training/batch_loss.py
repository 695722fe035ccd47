"""From a batch of windows to its loss."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.ast import AstConfig
from training.augment import Augment, row_draws
from training.data.batches import Batch
from training.distributed import World
from training.features import BatchFbank
from training.optim import row_losses
from training.settings import FitConfig
from training.teacher import Teacher

_PRECISIONS = {"bf16": torch.bfloat16, "fp16": torch.float16}
_SKIPS = 104


class BatchLoss:
    """Features, augmentation, the model and the loss of its rows.

    Args:
        fbank: On the device of `world`.
        augment: What is done to a batch.
        shape: The model's.
        config: How to train.
        world: This process among others.
        teacher: Whom to learn from besides.
    """

    def __init__(
        self,
        fbank: BatchFbank,
        augment: Augment,
        *,
        shape: AstConfig,
        config: FitConfig,
        world: World,
        teacher: Teacher | None,
    ) -> None:
        self._fbank = fbank
        self._augment = augment
        self._shape = shape
        self._config = config
        self._world = world
        self._teacher = teacher
        self._precision = config.precision_on(world.device.type)

    def __call__(self, live: nn.Module, batch: Batch, step: int) -> Tensor:
        """Mean over the step's whole batch, as far as this process's rows make it.

        Gradients are averaged over the processes, so the share is multiplied by their number.

        Args:
            live: The model that is stepped.
            batch: Windows of this process.
            step: Draws depend on it.
        """
        device = self._world.device
        samples = batch.samples.to(device, non_blocking=True)
        n_samples = batch.n_samples.to(device, non_blocking=True)
        targets = batch.targets.to(device, non_blocking=True)
        inputs = self._inputs(samples, n_samples, batch, step)
        with self._autocast():
            logits = live(inputs, self._skip_draws(batch, step)).float()
        losses = row_losses(logits, targets, self._config)
        if self._teacher:
            share = self._config.teacher_share
            taught = self._teacher.row_losses(logits, self._teacher.posteriors(samples, n_samples))
            losses = (1 - share) * losses + share * taught
        return losses[: batch.counted].sum() * self._world.size / batch.total

    @torch.no_grad()
    def _inputs(self, samples: Tensor, n_samples: Tensor, batch: Batch, step: int) -> Tensor:
        log_mel = self._fbank.cut_log_mel(samples)
        log_mel = self._augment.change_voice(log_mel, step, batch.rows)
        log_mel = self._augment.mask(self._fbank.pad(log_mel, n_samples), step, batch.rows)
        model_input = self._fbank.normalize(log_mel)
        return self._augment.disturb(model_input, step, batch.rows, batch.total)

    def _skip_draws(self, batch: Batch, step: int) -> Tensor | None:
        if not self._shape.drop_path:
            return None
        draws = row_draws((self._config.seed, step, _SKIPS), batch.rows, 2 * self._shape.depth)
        on_device = torch.from_numpy(draws).float().to(self._world.device)
        return on_device.reshape(-1, self._shape.depth, 2)

    def _autocast(self) -> torch.autocast:
        kind = _PRECISIONS.get(self._precision)
        return torch.autocast(self._world.device.type, kind, enabled=kind is not None)
