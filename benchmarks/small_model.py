"""A small model, trained the same way each time, to compare data or layouts by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from engine.config import FbankConfig, WindowConfig
from training.ast import AstConfig
from training.data.clip_source import ClipSource, memory_item
from training.data.clips import Clip
from training.distributed import World
from training.evaluation.intervals import wilson_interval
from training.fit import Trainer
from training.settings import AugmentConfig, FitConfig
from training.task import Task


def task(labels: Sequence[str], model: AstConfig, fbank: FbankConfig | None = None) -> Task:
    """A task of whole seconds, one word each.

    Args:
        labels: Labels, background first.
        model: Shape of the model.
        fbank: Features; None for the default.

    Returns:
        The task.
    """
    return Task(
        labels=list(labels),
        activation="softmax",
        fbank=fbank or FbankConfig(),
        windows=WindowConfig(),
        model=model,
    )


def trainer(
    folder: Path, task: Task, *, steps: int, seed: int, threads: int, ema_decay: float = 0.999
) -> Trainer:
    """A training by batches of 64 on the CPU.

    Args:
        folder: Folder of the run; a finished one is not trained again.
        task: What is learnt.
        steps: Optimiser steps.
        seed: Of everything drawn.
        threads: CPU threads.
        ema_decay: Decay of the averaged weights; 0 for none.

    Returns:
        The trainer, ready to run.
    """
    # As large a part of the features is masked, however many mels there are.
    mask_mels = round(task.fbank.n_mels * 20 / 128)
    return Trainer(
        folder,
        task=task,
        config=FitConfig(
            steps=steps,
            batch_size=64,
            warmup_steps=steps // 20,
            ema_decay=ema_decay,
            validate_every=max(1, steps // 4),
            threads=threads,
            workers=0,
            tensorboard=False,
            seed=seed,
        ),
        augment=AugmentConfig(
            mixup=0.25, mixup_until=0.8, mask_frames=16, mask_mels=mask_mels, masks=2
        ),
        world=World(rank=0, size=1, device=torch.device("cpu")),
    )


def source(clips: Sequence[Clip], labels: Sequence[str], words: Sequence[str]) -> ClipSource:
    """Whole clips of some words, in order."""
    items = [memory_item(c, (labels.index(c.word),)) for c in clips if c.word in words]
    return ClipSource(
        items, len(labels), max_samples=16_000, window_samples=16_000, seed=0, shuffle=False
    )


def right(trained: Trainer, clips: ClipSource) -> str:
    """How many clips are named right: count, share and 95 % interval (Wilson)."""
    total = clips.epoch_windows
    n_right = round(trained.measure(clips) * total)
    low, high = wilson_interval(n_right, total)
    return f"{n_right} of {total}, {n_right / total:.1%} ({low:.1%} to {high:.1%})"
