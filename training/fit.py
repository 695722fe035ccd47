"""Trains an AST on composed windows. Resumes after any interruption."""

from __future__ import annotations

import copy
import csv
import math
import queue
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.checkpoint import load_checkpoint, save_checkpoint
from training.data.clips import Clip
from training.data.scenes import SceneConfig, SceneMaker
from training.features import BatchFbank


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How to train.

    Attributes:
        steps: Optimiser steps in all.
        batch_size: Windows a step.
        learning_rate: Peak of the cosine schedule.
        warmup_steps: Linear rise at the start.
        weight_decay: On weight matrices only.
        mixup_probability: Windows mixed with another as waveforms (Tokozume et al. 2018).
        mixup_until: Share of the steps with mixup; the rest is trained without, so that a plain
            word may earn a full posterior.
        mixup_beta: Both parameters of the Beta distribution of the mixing ratio; AST uses 10.
        mask_frames: Largest SpecAugment time mask; two are drawn (Park et al. 2019).
        mask_mels: Largest SpecAugment frequency mask; two are drawn.
        ema_decay: Decay of the averaged weights, which are the ones exported.
        checkpoint_every_s: Seconds between checkpoints.
        validate_every: Steps between validations.
        threads: CPU threads.
        seed: Of everything drawn.
    """

    steps: int = 17_500
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup_steps: int = 600
    weight_decay: float = 0.05
    mixup_probability: float = 0.25
    mixup_until: float = 0.8
    mixup_beta: float = 10.0
    mask_frames: int = 16
    mask_mels: int = 20
    ema_decay: float = 0.999
    checkpoint_every_s: float = 120.0
    validate_every: int = 1_000
    threads: int = 2
    seed: int = 1


class BatchFeeder:
    """Composes batches on a thread of its own; batch i depends on the seed and i alone."""

    def __init__(self, maker: SceneMaker, config: FitConfig, first_step: int) -> None:
        self._maker = maker
        self._config = config
        self._queue: queue.Queue[tuple[Tensor, Tensor]] = queue.Queue(maxsize=4)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(first_step,), daemon=True)

    def __enter__(self) -> BatchFeeder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def next(self) -> tuple[Tensor, Tensor]:
        """Samples [B, n] and targets [B, n_labels]."""
        return self._queue.get()

    def _run(self, step: int) -> None:
        while not self._stop.is_set():
            rng = np.random.default_rng((self._config.seed, step))
            samples, targets = self._maker.batch(self._config.batch_size, rng)
            if step < self._config.mixup_until * self._config.steps:
                samples, targets = _mixup(samples, targets, self._config, rng)
            batch = (torch.from_numpy(samples), torch.from_numpy(targets))
            while not self._stop.is_set():
                try:
                    self._queue.put(batch, timeout=0.2)
                    break
                except queue.Full:
                    continue
            step += 1


def _mixup(
    samples: np.ndarray, targets: np.ndarray, config: FitConfig, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mix some rows with their successors, waveforms and targets alike."""
    size = len(samples)
    ratio = rng.beta(config.mixup_beta, config.mixup_beta, size).astype(np.float32)[:, None]
    ratio[rng.random(size) >= config.mixup_probability] = 1
    mixed = ratio * samples + (1 - ratio) * np.roll(samples, 1, axis=0)
    return mixed, ratio * targets + (1 - ratio) * np.roll(targets, 1, axis=0)


def _spec_augment(fbanks: Tensor, config: FitConfig, generator: torch.Generator) -> Tensor:
    """Two time masks and two frequency masks a window, filled with the mean (0)."""
    batch, frames, mels = fbanks.shape
    for size, largest, axis in ((frames, config.mask_frames, 1), (mels, config.mask_mels, 2)):
        for _ in range(2):
            width = torch.rand(batch, 1, generator=generator) * largest
            start = torch.rand(batch, 1, generator=generator) * (size - width)
            grid = torch.arange(size)
            masked = (grid >= start) & (grid < start + width)  # [B, size]
            fbanks = fbanks.masked_fill(masked.unsqueeze(3 - axis), 0.0)
    return fbanks


def learning_rate_at(step: int, config: FitConfig) -> float:
    """Linear warm-up, then a cosine down to 1 % of the peak."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Trainer:
    """One training run in one folder: `last.pt`, `log.csv`.

    Args:
        folder: Where the run lives; a checkpoint in it is taken up.
        labels: Labels in order.
        fbank_config: Features.
        model_config: Shape of the model.
        scene_config: What windows are made of.
        config: How to train.

    Raises:
        ConfigError: The folder holds a run with other labels, features or model.
    """

    def __init__(
        self,
        folder: Path,
        *,
        labels: list[str],
        fbank_config: FbankConfig,
        model_config: AstConfig,
        scene_config: SceneConfig,
        config: FitConfig,
    ) -> None:
        torch.manual_seed(config.seed)
        torch.set_num_threads(config.threads)
        self.folder = folder
        self.labels = labels
        self.config = config
        self.scene_config = scene_config
        self.fbank = BatchFbank(fbank_config)
        self.model = AudioSpectrogramTransformer(model_config)
        self.averaged = copy.deepcopy(self.model).eval()
        self.optimizer = _optimizer(self.model, config)
        self.step = 0
        self.trained_s = 0.0
        self._identity = {
            "labels": labels,
            "fbank": asdict(fbank_config),
            "model": model_config.to_dict(),
        }
        if (folder / "last.pt").exists():
            self._restore(load_checkpoint(folder / "last.pt"))

    def _restore(self, state: dict[str, Any]) -> None:
        for name, wanted in self._identity.items():
            if state[name] != wanted:
                raise ConfigError(
                    f"{self.folder / 'last.pt'} was trained with another {name}: it has "
                    f"{state[name]}, this run wants {wanted}; take another --run folder"
                )
        self.model.load_state_dict(state["weights"])
        self.averaged.load_state_dict(state["averaged_weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        self.trained_s = state["trained_s"]

    def save(self) -> None:
        """Write `last.pt`."""
        state = {
            **self._identity,
            "weights": self.model.state_dict(),
            "averaged_weights": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "trained_s": self.trained_s,
            "fit": asdict(self.config),
            "scene": asdict(self.scene_config),
        }
        save_checkpoint(self.folder / "last.pt", state)

    def run(self, clips: list[Clip], validation: tuple[Tensor, Tensor]) -> None:
        """Train to the last step.

        Args:
            clips: Training clips.
            validation: Windows [n, n_samples] and label indices [n].
        """
        maker = SceneMaker(clips, self.labels, self.scene_config)
        started = saved = time.monotonic()
        before_s = self.trained_s
        loss_sum, loss_count = 0.0, 0
        with BatchFeeder(maker, self.config, self.step) as feeder:
            while self.step < self.config.steps:
                loss_sum += self._train_step(*feeder.next())
                loss_count += 1
                now = time.monotonic()
                self.trained_s = before_s + now - started
                if self.step % self.config.validate_every == 0 or self.step == self.config.steps:
                    self._log(loss_sum / loss_count, self.accuracy(*validation))
                    loss_sum, loss_count = 0.0, 0
                if now - saved > self.config.checkpoint_every_s:
                    self.save()
                    saved = now
        self.save()

    def _train_step(self, samples: Tensor, targets: Tensor) -> float:
        rate = learning_rate_at(self.step, self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.step)
        fbanks = _spec_augment(self.fbank(samples), self.config, generator)
        self.model.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(fbanks)
        loss = functional.cross_entropy(logits.float(), targets)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self._average()
        return loss.item()

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        for own, live in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            own.lerp_(live, 1 - decay)

    @torch.no_grad()
    def accuracy(self, samples: Tensor, label_indices: Tensor) -> float:
        """Share of windows whose highest label is right, with the averaged weights."""
        right = 0
        parts = zip(torch.split(samples, 256), torch.split(label_indices, 256), strict=True)
        for part, wanted in parts:
            right += int((self.averaged(self.fbank(part)).argmax(1) == wanted).sum())
        return right / len(label_indices)

    def _log(self, loss: float, accuracy: float) -> None:
        row = {
            "step": self.step,
            "loss": round(loss, 5),
            "validation_accuracy": round(accuracy, 5),
            "trained_s": round(self.trained_s, 1),
        }
        path = self.folder / "log.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if is_new:
                writer.writeheader()
            writer.writerow(row)
        print(" ".join(f"{name}={value}" for name, value in row.items()), flush=True)


def _optimizer(model: AudioSpectrogramTransformer, config: FitConfig) -> torch.optim.Optimizer:
    matrices = [p for p in model.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if p.ndim != 2]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ],
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def validation_windows(
    clips: list[Clip], labels: list[str], n_samples: int
) -> tuple[Tensor, Tensor]:
    """Word clips, cut or padded with zeros to a window, as int16 / 32768.

    Returns:
        Windows [n, n_samples] and label indices [n].
    """
    index = {label: i for i, label in enumerate(labels)}
    words = [clip for clip in clips if clip.kind == "word" and clip.word in index]
    samples = np.zeros((len(words), n_samples), np.float32)
    for row, clip in enumerate(words):
        part = clip.samples[:n_samples]
        samples[row, : len(part)] = part / np.float32(32768)
    wanted = torch.tensor([index[clip.word] for clip in words])
    return torch.from_numpy(samples), wanted
