"""Settings of a training run: frozen, checked when made, units in the names."""

from __future__ import annotations

import math
import os
from dataclasses import asdict, dataclass, replace
from typing import Any

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.ast import AstConfig


def _require_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ConfigError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")


def _require_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ConfigError(f"{name} is {_plain(value)}; it must be {_plain(low)} to {_plain(high)}")


def _plain(value: float) -> str:
    """A number as people write it: whole ones without exponent."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else f"{value:g}"


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What to train on.

    Attributes:
        folder: A plain folder of words, or one with the two tables of docs/training.md.
        train_list: AST's JSON list of training clips, in place of a folder.
        validation_list: JSON list to select by; "" holds out `held_out` of the training list.
        labels: Label table: a CSV file, or "speech_commands"; "" takes the folder's words.
        windows: "scenes" composes windows as a live stream shows them and adds `_silence_` and
            `_unknown_`; "clips" trains on each clip as it is, as AST was published.
        synthetic: Plain folder of synthetic words that are trained on besides.
        corrections: Plain folder of what a model heard rightly and wrongly (of `kws_app ledger
            export` or `training mine`): its words are trained on besides, its `_unknown_` are
            mistakes, drawn more often than other speech.
        balanced: Draw clips by class weight 1000 / (count + 0.01), as AST on full AudioSet.
        held_out: Share of a training list that is kept for validation where nobody split it.
    """

    folder: str = ""
    train_list: str = ""
    validation_list: str = ""
    labels: str = ""
    windows: str = "scenes"
    synthetic: str = ""
    corrections: str = ""
    balanced: bool = False
    held_out: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what names no data."""
        _require_choice("windows", self.windows, ("scenes", "clips"))
        _require_range("held_out", self.held_out, 0.01, 0.5)
        if self.folder and self.train_list:
            raise ConfigError("both folder and train_list are given; name one of them")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of the model, and what it starts from. None: as the start or the default has it.

    Attributes:
        size: "tiny", "small" or "base" as published, or "".
        stride: Patch advance of a published size.
        start: Weights to start from: a checkpoint, a model folder, a run, "default" for the model
            that ships, or a name that `python -m training fetch` knows; "" starts from nothing.
        dim: As in AstConfig, like all that follow.
        depth: See there.
        heads: See there.
        mlp_dim: See there.
        patch_frames: See there.
        patch_mels: See there.
        frame_stride: See there.
        mel_stride: See there.
        distillation_token: See there.
        drop_path: See there.
    """

    size: str = ""
    stride: int = 10
    start: str = ""
    dim: int | None = None
    depth: int | None = None
    heads: int | None = None
    mlp_dim: int | None = None
    patch_frames: int | None = None
    patch_mels: int | None = None
    frame_stride: int | None = None
    mel_stride: int | None = None
    distillation_token: bool | None = None
    drop_path: float | None = None

    def shape(self, n_labels: int, fbank: FbankConfig, started: AstConfig | None) -> AstConfig:
        """The model's shape for a data set.

        Args:
            n_labels: Outputs.
            fbank: Tells frames and mels.
            started: Shape of the model that it starts from, where that is an AST.
        """
        if self.size:
            base = AstConfig.published(self.size, n_labels=n_labels, stride=self.stride)
        else:
            base = started or AstConfig(n_labels=n_labels)
        own: dict[str, Any] = {
            name: value
            for name, value in vars(self).items()
            if name not in ("size", "stride", "start") and value is not None
        }
        sizes: dict[str, Any] = {
            "n_labels": n_labels,
            "n_frames": fbank.target_frames,
            "n_mels": fbank.n_mels,
        }
        return replace(base, **own, **sizes)


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """What is done to a batch.

    Attributes:
        mixup: Probability of mixing a window's waveform and labels with another's.
        mixup_beta: Both parameters of the Beta distribution of the mixing ratio.
        mixup_until: Share of the steps with mixup; the rest is trained without, so that a plain
            word may earn a full posterior.
        mask_frames: Widths of SpecAugment's time masks are below this; 0 for none.
        mask_mels: Widths of its frequency masks are below this.
        masks: Masks of each kind.
        mask_value: "mean" hides with the mean, "zero" with a log-mel of 0 as AST does.
        warp: Largest relative stretch of the frequency axis, for other voices.
        equalize_db: Largest gain of a random smooth curve over frequency, for other microphones.
        noise: Add up to 0.1 of positive noise to the model's input and roll it by up to 10
            frames, as AST on Speech Commands.
    """

    mixup: float = 0.0
    mixup_beta: float = 10.0
    mixup_until: float = 1.0
    mask_frames: int = 0
    mask_mels: int = 0
    masks: int = 1
    mask_value: str = "mean"
    warp: float = 0.0
    equalize_db: float = 0.0
    noise: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        _require_range("mixup", self.mixup, 0, 1)
        _require_range("mixup_until", self.mixup_until, 0, 1)
        _require_range("mixup_beta", self.mixup_beta, 0.01, 1000)
        _require_range("masks", self.masks, 0, 16)
        _require_range("mask_frames", self.mask_frames, 0, 4096)
        _require_range("mask_mels", self.mask_mels, 0, 256)
        _require_range("warp", self.warp, 0, 0.5)
        _require_range("equalize_db", self.equalize_db, 0, 60)
        _require_choice("mask_value", self.mask_value, ("mean", "zero"))


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How to train.

    Attributes:
        steps: Optimiser steps in all; 0 counts by epochs.
        epochs: Passes over the data, where steps is 0.
        batch_size: Windows a step, over all processes.
        loss: "cross_entropy" on a softmax or "bce" on a sigmoid for each label.
        label_smoothing: Share of a target that is spread over all labels.
        optimizer: "adamw" (decay on matrices only) or "adam" (AST's, decay as a gradient).
        learning_rate: Peak of the schedule.
        betas: Of the optimiser.
        weight_decay: Of the optimiser.
        clip_norm: Largest norm of the gradient; 0 for no limit.
        schedule: "cosine" down to 1 %, or "steps" as AST: times `decay` after each epoch from
            `decay_from` to `decay_until`, every `decay_every`.
        warmup_steps: Rise at the start: linear, or with "steps" in stairs of 50 as AST.
        decay: Factor of "steps".
        decay_from: First epoch after which "steps" decays.
        decay_every: Epochs between decays.
        decay_until: Last epoch after which it decays.
        ema_decay: Decay of the averaged weights, which are then those exported; 0 for none.
        average_epochs: First and last epoch whose weights are averaged, as AST; [] for none.
        metric: "accuracy" or "map", measured on the validation split.
        select: "last", or "best" by the metric.
        teacher: Model folder, run or checkpoint to distil from; "" for none.
        teacher_share: Share of the loss that follows the teacher.
        temperature: Of both softmaxes in distillation.
        precision: "bf16" or "fp16" autocast, "fp32", or "auto": bf16 on a GPU, fp32 on a CPU.
        compile: "on", "off", or "auto": on a GPU.
        threads: CPU threads; 0 leaves torch's choice.
        workers: Processes that compose windows; 0 composes between the steps, -1 is 0 on a CPU
            and all cores but one, at most 16, beside a GPU.
        checkpoint_every_s: Seconds between checkpoints.
        validate_every: Steps between validations; 0 for each epoch.
        tensorboard: Whether logs are written for it.
        seed: Of everything drawn.
    """

    steps: int = 0
    epochs: int = 30
    batch_size: int = 128
    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    schedule: str = "cosine"
    warmup_steps: int = 0
    decay: float = 0.85
    decay_from: int = 5
    decay_every: int = 1
    decay_until: int = 1000
    ema_decay: float = 0.0
    average_epochs: tuple[int, ...] = ()
    metric: str = "accuracy"
    select: str = "last"
    teacher: str = ""
    teacher_share: float = 0.5
    temperature: float = 2.0
    precision: str = "auto"
    compile: str = "auto"
    threads: int = 0
    workers: int = -1
    checkpoint_every_s: float = 120.0
    validate_every: int = 0
    tensorboard: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot train."""
        _require_choice("loss", self.loss, ("cross_entropy", "bce"))
        _require_choice("optimizer", self.optimizer, ("adamw", "adam"))
        _require_choice("schedule", self.schedule, ("cosine", "steps"))
        _require_choice("metric", self.metric, ("accuracy", "map"))
        _require_choice("select", self.select, ("last", "best"))
        _require_choice("precision", self.precision, ("auto", "bf16", "fp16", "fp32"))
        _require_choice("compile", self.compile, ("auto", "on", "off"))
        _require_range("steps", self.steps, 0, 1e9)
        _require_range("epochs", self.epochs, 1, 1e6)
        _require_range("batch_size", self.batch_size, 1, 1 << 20)
        _require_range("label_smoothing", self.label_smoothing, 0, 0.9)
        _require_range("learning_rate", self.learning_rate, 0, 10)
        _require_range("ema_decay", self.ema_decay, 0, 0.999999)
        _require_range("teacher_share", self.teacher_share, 0, 1)
        _require_range("temperature", self.temperature, 0.1, 100)
        for beta in self.betas:
            _require_range("betas", beta, 0, 0.999999)
        _require_range("weight_decay", self.weight_decay, 0, 10)
        _require_range("clip_norm", self.clip_norm, 0, 1e6)
        _require_range("warmup_steps", self.warmup_steps, 0, 1e9)
        _require_range("decay", self.decay, 0.001, 1)
        _require_range("decay_from", self.decay_from, 1, 1e6)
        _require_range("decay_until", self.decay_until, 1, 1e6)
        _require_range("decay_every", self.decay_every, 1, 1e6)
        _require_range("threads", self.threads, 0, 1024)
        _require_range("workers", self.workers, -1, 256)
        _require_range("checkpoint_every_s", self.checkpoint_every_s, 0, 1e9)
        _require_range("validate_every", self.validate_every, 0, 1e9)
        _require_range("seed", self.seed, 0, (1 << 32) - 1)
        self._check_average()

    def _check_average(self) -> None:
        """Refuse epochs that never come, and two averages at once."""
        if len(self.average_epochs) not in (0, 2):
            raise ConfigError(
                f"average_epochs is {list(self.average_epochs)}; it must be [first, last] or []"
            )
        if not self.average_epochs:
            return
        first, last = self.average_epochs
        if not 1 <= first <= last or (not self.steps and last > self.epochs):
            raise ConfigError(
                f"average_epochs is {list(self.average_epochs)}; they must rise from 1 to the last "
                f"epoch ({self.epochs})"
            )
        if self.select == "best":
            raise ConfigError("average_epochs and select = 'best' exclude each other; choose one")
        if self.ema_decay:
            raise ConfigError("average_epochs and ema_decay exclude each other; set one to [] or 0")

    def precision_on(self, device: str) -> str:
        """Precision as a name without "auto", for training on a type of device.

        Few CPUs have fast bfloat16, and on those that have none it is ten times slower than
        float32; half precision is fast on none.
        """
        if self.precision == "auto":
            return "fp32" if device == "cpu" else "bf16"
        return "fp32" if self.precision == "fp16" and device == "cpu" else self.precision

    def worker_processes(self, device: str) -> int:
        """Workers as a number, for training on a device of some type ("cpu", "cuda").

        On a CPU a worker takes a core from torch's threads, which wait for each other: it costs
        more than it brings (docs/measurements.md). Beside a GPU all cores but one compose.
        """
        if self.workers >= 0:
            return self.workers
        return 0 if device == "cpu" else max(1, min(16, (os.cpu_count() or 1) - 1))


def plain_values(config: Any) -> dict[str, Any]:
    """A configuration as a checkpoint can hold it."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(config).items()
    }
