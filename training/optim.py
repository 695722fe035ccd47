"""Optimiser, learning rate, loss, and averages of the weights."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.settings import FitConfig

_STAIR_STEPS = 50


def make_optimizer(model: nn.Module, config: FitConfig) -> torch.optim.Optimizer:
    """AdamW with decay on matrices only, or Adam as AST has it: decay as a part of the gradient."""
    if config.optimizer == "adam":
        return torch.optim.Adam(
            model.parameters(),
            lr=config.learning_rate,
            betas=config.betas,
            weight_decay=config.weight_decay,
            fused=True,
        )
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def learning_rate_at(step: int, *, steps: int, steps_in_epoch: int, config: FitConfig) -> float:
    """Learning rate of a step, counted from 0.

    "cosine": linear warm-up, then a cosine down to 1 % of the peak. "steps": as AST, a factor
    after each milestone epoch; its warm-up sets the rate every 50 steps.
    """
    peak, warmup = config.learning_rate, config.warmup_steps
    if config.schedule == "steps":
        if step <= warmup and warmup:
            return peak * (step // _STAIR_STEPS * _STAIR_STEPS) / warmup
        epoch = step // steps_in_epoch + 1
        last = min(epoch - 1, config.decay_until)
        passed = max(0, (last - config.decay_from) // config.decay_every + 1)
        return float(peak * config.decay**passed)
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def row_losses(logits: Tensor, targets: Tensor, config: FitConfig) -> Tensor:
    """Loss of each row, [B, n_labels] to [B]; targets may be mixed.

    "bce" is the mean over the labels, as AST has it. Smoothing spreads a share of each target
    over all labels ("bce": over both answers).
    """
    share = config.label_smoothing
    if config.loss == "bce":
        smooth = targets * (1 - share) + share / 2
        losses = functional.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        return losses.mean(dim=1)
    smooth = targets * (1 - share) + share / targets.shape[1]
    return functional.cross_entropy(logits, smooth, reduction="none")


class WeightAverage:
    """Exponential moving average of a model's weights.

    Args:
        model: Its present weights are the first average.
        decay: Weight of the past; less at the start, so that fresh weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)


class EpochMean:
    """Plain mean of the weights after some epochs, as AST has it.

    Args:
        epochs: First and last epoch, counted from 1.
    """

    def __init__(self, epochs: tuple[int, ...]) -> None:
        self.first, self.last = epochs
        self.count = 0
        self.sums: dict[str, Tensor] = {}

    def update(self, model: nn.Module, epoch: int) -> None:
        """Take in the weights after an epoch, if it is one of them."""
        if not self.first <= epoch <= self.last:
            return
        for name, value in model.state_dict().items():
            value = value.detach().double()
            self.sums[name] = self.sums[name] + value if self.count else value
        self.count += 1

    def mean(self, otherwise: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The mean; other weights before the first of the epochs is over."""
        if not self.count:
            return dict(otherwise)
        return {name: (total / self.count).float() for name, total in self.sums.items()}
