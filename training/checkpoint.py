"""Checkpoints that survive interruption: written aside, synced, renamed; never unpickled."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.errors import ConfigError, ModelError, TrainingError
from training.task import Task

LAST_FILE = "last.pt"


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that `path` always holds a whole one.

    Args:
        path: Target file; its folder is created.
        state: Tensors and plain values only.

    Raises:
        TrainingError: It cannot be written, for instance because the disk is full.
    """
    aside = path.with_suffix(".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except (OSError, RuntimeError) as err:  # torch turns a failed write into a RuntimeError
        aside.unlink(missing_ok=True)
        reason = getattr(err, "strerror", None) or _write_failure(path) or str(err)
        kept = f"; the one of before is whole: {path}" if path.exists() else ""
        raise TrainingError(
            f"cannot write a checkpoint to {path.parent}: {reason.partition(chr(10))[0]}{kept}; "
            "free some space and run the same command again"
        ) from err


def _write_failure(path: Path) -> str:
    """Why nothing can be written beside `path`; "" if something can."""
    probe = path.with_suffix(".probe")
    try:
        probe.write_bytes(bytes(1 << 16))
    except OSError as err:
        return str(err.strerror)
    finally:
        probe.unlink(missing_ok=True)
    return ""


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        ModelError: The file is missing, is no checkpoint, or holds more than tensors and values.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # torch raises many kinds for a bad file
        reason = str(err).partition("\n")[0] or type(err).__name__
        raise ModelError(f"cannot read checkpoint {path}: {reason}; train it anew") from err
    if not isinstance(state, dict):
        raise ModelError(f"checkpoint {path} holds a {type(state).__name__}; it must hold a dict")
    return state


@dataclass(frozen=True)
class RunState:
    """The checkpoint of a run's folder.

    Attributes:
        folder: Of the run.
    """

    folder: Path

    def exists(self) -> bool:
        """Whether there is one."""
        return (self.folder / LAST_FILE).exists()

    def load(self, task: Task) -> dict[str, Any]:
        """Read it.

        Args:
            task: What the run is to learn.

        Raises:
            ModelError: It is no checkpoint of a run.
            ConfigError: It belongs to another task.
        """
        path = self.folder / LAST_FILE
        state = load_checkpoint(path)
        for name, wanted in task.to_dict().items():
            if name not in state:
                raise ModelError(f"checkpoint {path} has no {name!r}; it is of no run: remove it")
            if state[name] != wanted:
                raise ConfigError(
                    f"{path} was trained with another {name}: it has {state[name]}, this run wants "
                    f"{wanted}; take another run folder"
                )
        return state
