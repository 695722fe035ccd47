"""Samples a second of training, beside the bare step and beside transformers' Trainer.

The bare step is forward, loss, backward and optimiser on tensors that are there already. What the
whole run adds is data: composing windows, fbanks, augmentation, averaging. All take turns in one
process in one precision, so that a noisy machine disturbs all alike.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch.nn import functional

from engine.config import FbankConfig, WindowConfig
from engine.types import Float32
from training.ast import AstConfig, AudioSpectrogramTransformer
from training.data.batches import load_batches
from training.data.clips import Clip
from training.data.scene_config import SceneConfig
from training.data.scenes import SILENCE, UNKNOWN, SceneMaker
from training.distributed import World
from training.fit import Trainer
from training.optim import make_optimizer
from training.settings import AugmentConfig, FitConfig
from training.task import Task

_WORDS = tuple(f"word{i}" for i in range(33))
_LABELS = (SILENCE, UNKNOWN, *_WORDS)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained.

    Attributes:
        size: "default" for the model that ships, or a published size.
        batch_size: Windows a step.
        steps: Steps of each turn.
        rounds: Turns of each candidate.
        threads: CPU threads.
        workers: As in FitConfig.
    """

    size: str
    batch_size: int
    steps: int
    rounds: int
    threads: int
    workers: int


def report(**settings: Any) -> str:
    """Time training.

    Args:
        settings: Fields of `Setting`.

    Returns:
        A Markdown table: windows a second, and the ratio to the bare step of the same round.
    """
    setting = Setting(**settings)
    torch.manual_seed(0)
    torch.set_num_threads(setting.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    candidates: dict[str, Callable[[], None]] = {"bare step": _BareStep(setting, device)}
    run = _WholeRun(setting, device)
    candidates["whole run"] = run
    if setting.size != "default":
        candidates["transformers' Trainer"] = _TransformersTrainer(setting, device)
    for candidate in candidates.values():
        candidate()
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(setting.rounds):
        for name, candidate in candidates.items():
            started = time.perf_counter()
            candidate()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times[name].append(time.perf_counter() - started)
    run.close()
    windows = setting.steps * setting.batch_size
    lines = [
        f"{setting.size}, batches of {setting.batch_size}, {setting.threads} threads, "
        f"workers {setting.workers}, {_config(setting).precision_on(device.type)} on {device}",
        "",
        "| | windows/s | of the bare step |",
        "|---|---|---|",
    ]
    bare = np.array(times["bare step"])
    for name, took in times.items():
        ratio = float(np.median(bare / np.array(took)))
        lines.append(f"| {name} | {windows / np.median(took):.1f} | {ratio:.0%} |")
    return "\n".join(lines)


def _shape(setting: Setting) -> AstConfig:
    if setting.size == "default":
        return AstConfig(n_labels=len(_LABELS))
    return AstConfig.published(setting.size, n_labels=len(_LABELS))


def _config(setting: Setting) -> FitConfig:
    return FitConfig(
        steps=1_000_000,
        batch_size=setting.batch_size,
        ema_decay=0.999,
        validate_every=1_000_000,
        checkpoint_every_s=1e9,
        threads=setting.threads,
        workers=setting.workers,
        tensorboard=False,
    )


def _trains_in_bf16(setting: Setting, device: torch.device) -> bool:
    """All candidates train in the precision that the trainer takes by itself."""
    return _config(setting).precision_on(device.type) == "bf16"


class _BareStep:
    """Forward, loss, backward, clipping, optimiser, on one batch of tensors."""

    def __init__(self, setting: Setting, device: torch.device) -> None:
        shape = _shape(setting)
        self._steps = setting.steps
        self._device = device
        self._half = _trains_in_bf16(setting, device)
        self._model = AudioSpectrogramTransformer(shape).to(device).train()
        self._optimizer = make_optimizer(self._model, _config(setting))
        self._inputs = torch.randn(setting.batch_size, shape.n_frames, shape.n_mels, device=device)
        targets = torch.arange(setting.batch_size) % shape.n_labels
        self._targets = functional.one_hot(targets, shape.n_labels).float().to(device)

    def __call__(self) -> None:
        for _ in range(self._steps):
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._half):
                logits = self._model(self._inputs).float()
            loss = functional.cross_entropy(logits, self._targets)
            self._optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
            self._optimizer.step()


class _WholeRun:
    """The Trainer's own steps on composed windows, batch after batch of one long run."""

    def __init__(self, setting: Setting, device: torch.device) -> None:
        self._setting = setting
        self._device = device
        shape = _shape(setting)
        task = Task(
            labels=_LABELS,
            activation="softmax",
            fbank=FbankConfig(target_frames=shape.n_frames),
            windows=WindowConfig(),
            model=shape,
        )
        self._folder = tempfile.TemporaryDirectory()
        self._trainer = Trainer(
            Path(self._folder.name),
            task=task,
            config=_config(setting),
            augment=AugmentConfig(mixup=0.25, mask_frames=16, mask_mels=20, masks=2),
            world=World(rank=0, size=1, device=device),
        )
        self._maker, self._total = self._trainer._maker(
            SceneMaker(_clips(), _LABELS, SceneConfig())
        )
        self._live = self._trainer._live_model()

    def __call__(self) -> None:
        # Each turn starts its own workers and makes no batch more than it trains on, so that no
        # data is made in another candidate's time.
        first = self._trainer.step
        batches = load_batches(
            self._maker,
            range(first, first + self._setting.steps),
            workers=self._trainer.config.worker_processes(self._device.type),
            pin_memory=self._device.type == "cuda",
        )
        for batch in batches:
            self._trainer._train_step(self._live, batch, self._total, self._maker.steps_in_epoch)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()


class _TransformersTrainer:
    """transformers' AST of the same size under its Trainer, on tensors that are there already."""

    def __init__(self, setting: Setting, device: torch.device) -> None:
        _leave_torchaudio_out()
        from transformers import ASTConfig, ASTForAudioClassification

        shape = _shape(setting)
        self._setting = setting
        self._folder = tempfile.TemporaryDirectory()
        config: Any = ASTConfig(
            hidden_size=shape.dim,
            num_hidden_layers=shape.depth,
            num_attention_heads=shape.heads,
            intermediate_size=4 * shape.dim,
            max_length=shape.n_frames,
        )
        config.num_labels = shape.n_labels
        self._model = ASTForAudioClassification(config)
        generator = torch.Generator().manual_seed(0)
        inputs = torch.randn(setting.batch_size, shape.n_frames, shape.n_mels, generator=generator)
        self._data = [
            {"input_values": inputs[i % setting.batch_size], "labels": i % shape.n_labels}
            for i in range(setting.batch_size * setting.steps)
        ]
        self._on_cpu = device.type == "cpu"
        self._half = _trains_in_bf16(setting, device)

    def __call__(self) -> None:
        from transformers import Trainer as TheirTrainer
        from transformers import TrainingArguments

        arguments = TrainingArguments(
            output_dir=self._folder.name,
            max_steps=self._setting.steps,
            per_device_train_batch_size=self._setting.batch_size,
            bf16=self._half,
            use_cpu=self._on_cpu,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        trainer = TheirTrainer(model=self._model, args=arguments, train_dataset=self._data)
        with redirect_stdout(io.StringIO()):  # it prints its own figures
            trainer.train()


def _leave_torchaudio_out() -> None:
    """Transformers imports it if it can be found; its wheel fails beside a torch without CUDA."""
    if torch.version.cuda is None:
        sys.modules.setdefault("torchaudio", cast(Any, None))


def _clips(seconds: float = 1.0) -> list[Clip]:
    """Noise in the place of recordings: as much to read and to compute."""
    rng = np.random.default_rng(0)

    def clip(kind: str, word: str, number: int, length_s: float) -> Clip:
        samples: Float32 = 0.1 * rng.standard_normal(round(16_000 * length_s), np.float32)
        return Clip(
            path=f"{kind}/{word}/{number}",
            kind=kind,
            word=word,
            speaker="",
            split="train",
            samples=(samples * 32_767).clip(-32_768, 32_767).astype(np.int16),
        )

    clips = [clip("word", word, i, seconds) for word in _WORDS for i in range(20)]
    clips += [clip("speech", "", i, 10.0) for i in range(20)]
    return clips + [clip("noise", "", i, 10.0) for i in range(5)]
