"""Trains an AST on windows. Resumes after any interruption, on one device or on several."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from engine.errors import ConfigError, ModelError, TrainingError
from training.ast import AudioSpectrogramTransformer
from training.augment import Augment
from training.batch_loss import BatchLoss
from training.checkpoint import LAST_FILE, RunState, changes_since, save_checkpoint
from training.data.batches import Batch, BatchMaker, WindowSource, load_batches
from training.distributed import World
from training.features import BatchFbank
from training.interrupts import Interrupts
from training.optim import EpochMean, WeightAverage, learning_rate_at, make_optimizer
from training.progress import report_steps
from training.run_log import RunLog, Tally
from training.settings import AugmentConfig, FitConfig, plain_values
from training.stretches import Stretches
from training.task import Task
from training.teacher import Teacher
from training.validation import measure
from training.weights import write_weights

BEST_FILE = "best.safetensors"
# Steps between looks at the loss, which wait for the device, and at what other processes were told.
_CHECK_EVERY = 20


class Trainer:
    """One training run in one folder: `last.pt`, `best.safetensors`, `log.csv`, `tensorboard/`.

    Args:
        folder: Where the run lives; a checkpoint in it is taken up.
        task: What is learnt: labels, features, shape.
        config: How to train.
        augment: What is done to a batch.
        world: This process among others.
        model: A model with starting weights; None makes a fresh one.
        teacher: Whom to learn from besides.
        provenance: Plain values that the checkpoint carries to the model folder.

    Raises:
        ConfigError: The folder holds a run of another task.
        ModelError: Its checkpoint cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        *,
        task: Task,
        config: FitConfig,
        augment: AugmentConfig,
        world: World,
        model: AudioSpectrogramTransformer | None = None,
        teacher: Teacher | None = None,
        provenance: dict[str, Any] | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        if config.threads:
            torch.set_num_threads(config.threads)
        self.folder = folder
        self.task = task
        self.config = config
        self.augment_config = augment
        self.world = world
        self.provenance = provenance or {}
        self.fbank = BatchFbank(task.fbank, world.device)
        self.batch_loss = BatchLoss(
            self.fbank,
            Augment(augment, task.fbank, config.seed),
            shape=task.model,
            config=config,
            world=world,
            teacher=teacher,
        )
        self.model = (model or AudioSpectrogramTransformer(task.model)).to(world.device)
        self.optimizer = make_optimizer(self.model, config)
        self.scaler = torch.amp.GradScaler(world.device.type, enabled=self.precision == "fp16")
        self.average = WeightAverage(self.model, config.ema_decay) if config.ema_decay else None
        self.epoch_mean = EpochMean(config.average_epochs) if config.average_epochs else None
        self.stretches = Stretches(world, self.precision)
        self.step = 0
        self.trained_s = 0.0
        self.best = -math.inf
        self.notes: list[str] = []
        self.tally = Tally(world.device)
        state = RunState(folder)
        if state.exists():
            path = folder / LAST_FILE
            loaded = state.load(task)
            try:
                self._restore(loaded)
            except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as err:
                reason = str(err).partition("\n")[0]
                raise ModelError(
                    f"{path} is damaged: {reason}; take another run folder, or remove it to begin "
                    "anew"
                ) from err

    @property
    def precision(self) -> str:
        """What it trains in, by name."""
        return self.config.precision_on(self.world.device.type)

    def run(self, source: WindowSource, validation: WindowSource) -> None:
        """Train to the last step.

        Args:
            source: Training windows.
            validation: Windows to measure by, in order.

        Raises:
            TrainingError: The loss is no number, or a checkpoint cannot be written.
            SourceError: A recording cannot be read.
            KeyboardInterrupt: It was asked to end, and has written a checkpoint before.
        """
        maker, steps = self._maker(source)
        batches = load_batches(
            maker,
            range(self.step, steps),
            workers=self.config.worker_processes(self.world.device.type),
            pin_memory=self.world.device.type == "cuda",
        )
        live = self._live_model()
        log = self._open_log()
        started = saved = time.monotonic()
        before_s = self.trained_s
        with (
            Interrupts() as interrupts,
            closing(batches),  # ends its workers
            report_steps(max(steps, self.step), self.step, quiet=not self.world.leads) as report,
        ):
            for batch in batches:
                self.tally.take(self._train_step(live, batch, steps, maker.steps_in_epoch))
                now = time.monotonic()
                self.trained_s = before_s + now - started
                epoch_ends = self.step % maker.steps_in_epoch == 0
                if self.epoch_mean and epoch_ends:
                    self.epoch_mean.update(self.model, self.step // maker.steps_in_epoch)
                if self._validates(maker.steps_in_epoch, steps):
                    self._validate(validation, maker.steps_in_epoch, steps, log, report)
                elif self.step % _CHECK_EVERY == 0:
                    self._check_loss(self.tally.total)
                report(1, "")
                asked = self._was_asked_to_end(interrupts)
                if asked or now - saved > self.config.checkpoint_every_s:
                    self._check_loss(self.tally.total)
                    self.save()
                    saved = now
                if asked:
                    raise KeyboardInterrupt(interrupts.number or signal.SIGINT)
        self.save()
        if log is not None:
            log.close()

    def _was_asked_to_end(self, interrupts: Interrupts) -> bool:
        """Whether any process was; all must leave after the same step."""
        asked = interrupts.number is not None
        if self.world.size == 1:
            return asked
        if self.step % _CHECK_EVERY:
            return False
        return bool(self.world.total(torch.tensor(float(asked), device=self.world.device)) > 0)

    def _maker(self, source: WindowSource) -> tuple[BatchMaker, int]:
        steps = self.config.steps
        if not steps:
            steps_in_epoch = math.ceil(source.epoch_windows / self.config.batch_size)
            steps = self.config.epochs * steps_in_epoch
        maker = BatchMaker(
            source,
            batch_size=self.config.batch_size,
            augment=self.augment_config,
            steps=steps,
            seed=self.config.seed,
            share=(self.world.rank, self.world.size),
        )
        return maker, steps

    def _live_model(self) -> nn.Module:
        """The model that is stepped: compiled, and in step with other processes' models."""
        live: nn.Module = self.model
        on_gpu = self.world.device.type == "cuda"
        if self.config.compile == "on" or (self.config.compile == "auto" and on_gpu):
            live = torch.compile(live)  # type: ignore[assignment]
        if self.world.size > 1:
            live = DistributedDataParallel(live, gradient_as_bucket_view=True)
        return live

    def _train_step(self, live: nn.Module, batch: Batch, steps: int, in_epoch: int) -> Tensor:
        rate = learning_rate_at(self.step, steps=steps, steps_in_epoch=in_epoch, config=self.config)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        loss = self.batch_loss(live, batch, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        if self.config.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.step += 1
        if self.average:
            self.average.update(self.model, self.step)
        return self.world.total(loss.detach() / self.world.size)

    def _validates(self, steps_in_epoch: int, steps: int) -> bool:
        every = self.config.validate_every or steps_in_epoch
        return self.step % every == 0 or self.step == steps

    def _check_loss(self, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            last = self.folder / LAST_FILE
            kept = f"{last} holds the last good step" if last.exists() else "nothing is lost"
            raise TrainingError(
                f"the loss is no longer a number at step {self.step}; {kept}: lower "
                "fit.learning_rate, or look at the settings that were changed"
            )

    def _validate(
        self,
        validation: WindowSource,
        steps_in_epoch: int,
        steps: int,
        log: RunLog | None,
        report: Callable[[int, str], None],
    ) -> None:
        """Measure, select, and write a row; the leading process does."""
        loss = self.tally.total / self.tally.steps
        self._check_loss(loss)
        self.tally.clear()
        if log is not None:
            measured = self.measure(validation)
            if measured > self.best:
                self.best = measured
                if self.config.select == "best":
                    self._write_best()
            row = {
                "step": self.step,
                "epoch": round(self.step / steps_in_epoch, 3),
                "loss": round(float(loss), 6),
                "validation": round(measured, 6),
                "learning_rate": float(f"{self.optimizer.param_groups[0]['lr']:.6g}"),
                "trained_s": round(self.trained_s, 1),
            }
            log.write(row)
            report(0, " ".join(f"{name}={value:g}" for name, value in row.items()))
        self.world.wait()

    def export_weights(self) -> dict[str, Tensor]:
        """The weights that are measured and exported: averaged where that was asked for."""
        if self.epoch_mean:
            return self.epoch_mean.mean(self.model.state_dict())
        return self.average.weights if self.average else self.model.state_dict()

    def measure(self, source: WindowSource) -> float:
        """The configured metric over every window of a source, without augmentation."""
        model = AudioSpectrogramTransformer(self.task.model).to(self.world.device).eval()
        model.load_state_dict(self.export_weights())
        return measure(model, self.fbank, source, self.config.metric)

    def _write_best(self) -> None:
        best = AudioSpectrogramTransformer(self.task.model)
        best.load_state_dict(self.export_weights())
        write_weights(self.folder / BEST_FILE, best, {"step": str(self.step)})

    def _open_log(self) -> RunLog | None:
        if not self.world.leads:
            return None
        return RunLog(self.folder, self.step, tensorboard=self.config.tensorboard)

    def save(self) -> None:
        """Write `last.pt`.

        Raises:
            TrainingError: It cannot be written; the one before is untouched.
        """
        if not self.world.leads:
            return
        state = {
            **self.task.to_dict(),
            "weights": self.model.state_dict(),
            "averaged_weights": self.export_weights(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "epoch_sums": self.epoch_mean.sums if self.epoch_mean else {},
            "epoch_count": self.epoch_mean.count if self.epoch_mean else 0,
            "step": self.step,
            "best": self.best,
            "loss_sum": float(self.tally.total),
            "loss_steps": self.tally.steps,
            "trained_s": self.trained_s,
            "fit": plain_values(self.config),
            "augment": plain_values(self.augment_config),
            "provenance": {
                **self.provenance,
                "stretches": self.stretches.values(self.step, self.trained_s),
            },
        }
        save_checkpoint(self.folder / LAST_FILE, state)

    def _restore(self, state: dict[str, Any]) -> None:
        if state["fit"]["optimizer"] != self.config.optimizer:
            raise ConfigError(
                f"{self.folder} was trained with fit.optimizer = {state['fit']['optimizer']!r}; a "
                "run cannot change it: take another run folder and start it from this one"
            )
        now = {
            "fit": plain_values(self.config),
            "augment": plain_values(self.augment_config),
            "provenance": self.provenance,
        }
        self.notes = changes_since(state, now)
        self.model.load_state_dict(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:
            self.scaler.load_state_dict(state["scaler"])
        device = self.world.device
        if self.average:
            averaged = state["averaged_weights"]
            self.average.weights = {name: value.to(device) for name, value in averaged.items()}
        if self.epoch_mean:
            sums = state["epoch_sums"]
            self.epoch_mean.sums = {name: value.to(device) for name, value in sums.items()}
            self.epoch_mean.count = state["epoch_count"]
        self.step = int(state["step"])
        self.best = float(state["best"])
        self.tally.total.fill_(float(state["loss_sum"]))
        self.tally.steps = int(state["loss_steps"])
        self.trained_s = float(state["trained_s"])
        before = state["provenance"]
        # Whatever lies there now under the start's name: the run began with what was there then.
        self.provenance |= {name: before.get(name) for name in ("start", "start_sha256")}
        self.stretches.go_on(before.get("stretches", []), self.step, self.trained_s)
