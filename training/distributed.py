"""One process among several: PyTorch's own engine, started by torchrun."""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed


@dataclass(frozen=True, kw_only=True)
class World:
    """Where this process stands.

    Attributes:
        rank: Number of this process.
        size: Number of processes.
        device: What it trains on.
    """

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def total(self, values: Tensor) -> Tensor:
        """Sum over all processes."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def wait(self) -> None:
        """Until all processes are here."""
        if self.size > 1:
            distributed.barrier()


@contextmanager
def join_world() -> Iterator[World]:
    """Join the processes that torchrun started; alone without it.

    A GPU for each process where there is one, else the CPU with gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda", local_rank) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
    if size > 1:
        # A token's gradient is a slice of its sequence's; the copy costs nothing.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        distributed.init_process_group("nccl" if has_gpu else "gloo")
    try:
        world = World(rank=rank, size=size, device=device)
        yield world
        world.wait()  # for the files of the leading process
    finally:
        if size > 1:
            # gloo's threads hold on to models in reference cycles, and abort when they are freed
            # while Python shuts down; so they are freed now.
            gc.collect()
            distributed.destroy_process_group()
