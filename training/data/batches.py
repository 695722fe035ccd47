"""Makes batches of windows: which windows, mixed how, depends on the seed and the step alone."""

from __future__ import annotations

import ctypes
import math
import signal
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from engine.errors import KwsError, SourceError
from engine.types import Float32
from training.settings import AugmentConfig

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class WindowSource(Protocol):
    """Where windows come from: composed scenes, or clips as they are."""

    @property
    def epoch_windows(self) -> int:
        """Windows in an epoch."""

    @property
    def n_labels(self) -> int:
        """Length of a target."""

    def window(self, epoch: int, row: int, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Samples [n] and targets [n_labels] of one window of an epoch."""

    def partner(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Any window, to mix another with."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The windows of one step that one process has.

    It travels between processes as plain bytes. Torch's own way takes shared memory, of which a
    container has 64 MB, and a thread in each worker that complains when the trainer is gone.

    Attributes:
        samples: [B, n], zeros after each window's end.
        n_samples: Length of each window, [B].
        targets: [B, n_labels].
        rows: Which rows of the whole step's batch these are, [B].
        total: Rows of the whole step's batch.
        counted: How many of the rows count: all, or none of a single silent one where a small
            batch leaves a process without a row, which must take the step all the same.
    """

    samples: Tensor
    n_samples: Tensor
    targets: Tensor
    rows: npt.NDArray[np.int64]
    total: int
    counted: int

    def pin_memory(self) -> Batch:
        """The same in memory that a GPU reads by itself; torch's loader asks for it."""
        return replace(
            self,
            samples=self.samples.pin_memory(),
            n_samples=self.n_samples.pin_memory(),
            targets=self.targets.pin_memory(),
        )

    def __getstate__(self) -> dict[str, Any]:
        """Tensors as arrays, which are pickled by content."""
        return {
            name: value.numpy() if isinstance(value, Tensor) else value
            for name, value in vars(self).items()
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Arrays as tensors again, but for the rows."""
        for name, value in state.items():
            is_tensor = isinstance(value, np.ndarray) and name != "rows"
            object.__setattr__(self, name, torch.from_numpy(value) if is_tensor else value)


class BatchMaker:
    """Makes the batch of any step, the same one whenever it is asked.

    Args:
        source: Windows.
        batch_size: Windows a step, over all processes; an epoch's last batch has the rest.
        augment: Tells mixup.
        steps: Steps of the run; an end of mixup is counted in them.
        seed: Of everything drawn.
        share: This process and the number of processes; it gets every n-th row.
    """

    def __init__(
        self,
        source: WindowSource,
        *,
        batch_size: int,
        augment: AugmentConfig,
        steps: int,
        seed: int,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._source = source
        self._batch_size = batch_size
        self._augment = augment
        self._mixed_steps = augment.mixup_until * steps
        self._seed = seed
        self._share = share
        self.steps_in_epoch = math.ceil(source.epoch_windows / batch_size)

    def __len__(self) -> int:
        return self.steps_in_epoch

    def __getitem__(self, step: int) -> Batch | str:
        """The batch of a step; the text of an error, which a worker process could not raise."""
        try:
            return self.batch(step)
        except KwsError as err:
            return str(err)

    def batch(self, step: int) -> Batch:
        """The rows of a step's batch that this process has.

        Raises:
            SourceError: A recording cannot be read.
        """
        epoch, position = divmod(step, self.steps_in_epoch)
        first = position * self._batch_size
        total = min(self._batch_size, self._source.epoch_windows - first)
        rank, size = self._share
        rows = np.arange(rank, total, size)
        windows = [self._window(epoch, first + int(row), step) for row in rows]
        if not windows:
            rows = np.zeros(1, np.int64)
        longest = max((len(samples) for samples, _ in windows), default=0)
        n_samples = np.zeros(len(rows), np.int64)
        padded = np.zeros((len(rows), longest), np.float32)
        targets = np.zeros((len(rows), self._source.n_labels), np.float32)
        for i, (samples, target) in enumerate(windows):
            n_samples[i] = len(samples)
            padded[i, : len(samples)] = samples
            targets[i] = target
        return Batch(
            samples=torch.from_numpy(padded),
            n_samples=torch.from_numpy(n_samples),
            targets=torch.from_numpy(targets),
            rows=rows,
            total=total,
            counted=len(windows),
        )

    def _window(self, epoch: int, row: int, step: int) -> tuple[Float32, Float32]:
        rng = np.random.default_rng((self._seed, epoch, row))
        samples, target = self._source.window(epoch, row, rng)
        if step >= self._mixed_steps or rng.random() >= self._augment.mixup:
            return samples, target
        # Between-class mixing (Tokozume et al. 2018) as AST does it: the partner is cut or padded
        # to the first window's length. Means need no subtraction: the fbank removes each frame's.
        other, other_target = self._source.partner(rng)
        ratio = np.float32(rng.beta(self._augment.mixup_beta, self._augment.mixup_beta))
        mixed = ratio * samples
        length = min(len(samples), len(other))
        mixed[:length] += (1 - ratio) * other[:length]
        return mixed, ratio * target + (1 - ratio) * other_target


def load_batches(
    maker: BatchMaker, steps: range, *, workers: int, pin_memory: bool
) -> Generator[Batch]:
    """The batches of some steps, made ahead by worker processes; closing it ends them.

    Args:
        maker: Makes them.
        steps: Which.
        workers: Processes; 0 makes each when it is asked for.
        pin_memory: Whether they are to be copied to a GPU.

    Raises:
        SourceError: A recording cannot be read.
    """
    more: dict[str, Any] = {}
    if workers:
        # Forked, so that the recordings in memory are shared and not copied.
        more = {"prefetch_factor": 4, "multiprocessing_context": "fork"}
    loader: DataLoader[Any] = DataLoader(
        cast(Dataset[Any], maker),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        pin_memory=pin_memory,
        collate_fn=_as_it_is,
        worker_init_fn=_begin_worker,
        **more,
    )
    for batch in loader:
        if isinstance(batch, str):
            raise SourceError(batch)
        yield batch


def _as_it_is(batch: Any) -> Any:
    return batch


def _begin_worker(_: int) -> None:
    # Signals reach every process of a terminal or a service; the trainer ends its workers itself.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # A trainer that was killed reads no batch any more: its workers would wait for ever.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
