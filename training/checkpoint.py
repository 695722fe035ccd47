"""Checkpoints that survive interruption: written aside, synced, renamed; never unpickled."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.errors import ConfigError, ModelError, TrainingError
from engine.files import create_plain_file
from training.task import Task
from training.weights import load_tensors

LAST_FILE = "last.pt"
# Settings that change how fast a run is, but not what comes out.
_HARMLESS = frozenset({"threads", "workers", "checkpoint_every_s", "tensorboard", "compile"})
_FIELDS = frozenset(
    {
        *("labels", "activation", "fbank", "windows", "model", "weights", "averaged_weights"),
        *("optimizer", "scaler", "epoch_sums", "epoch_count", "step", "best", "loss_sum"),
        *("loss_steps", "trained_s", "fit", "augment", "provenance"),
    }
)
_TABLES = ("fit", "augment", "provenance")


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
        with create_plain_file(aside) as file:
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
    state = load_tensors(path, "it must be the checkpoint of a run (python -m training fit)")
    if not isinstance(state, dict):
        raise ModelError(f"checkpoint {path} holds a {type(state).__name__}; it must hold a dict")
    return state


def load_run(folder: Path) -> dict[str, Any]:
    """Read the checkpoint of a run's folder.

    Raises:
        ModelError: There is none, or it is of no run.
    """
    path = folder / LAST_FILE
    state = load_checkpoint(path)
    missing = sorted(_FIELDS - set(state))
    if missing:
        raise ModelError(f"checkpoint {path} has no {missing[0]!r}; it is of no run: remove it")
    for name in _TABLES:
        if not isinstance(state[name], dict):
            raise ModelError(f"checkpoint {path} has a {name!r} of no run; remove it")
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
        state = load_run(self.folder)
        for name, wanted in task.to_dict().items():
            if state[name] != wanted:
                raise ConfigError(
                    f"{path} was trained with other {name}: {_difference(state[name], wanted)}; "
                    "take another run folder"
                )
        return state


def _difference(had: Any, wanted: Any) -> str:
    """Where two plain values differ, in few words."""
    if isinstance(had, dict) and isinstance(wanted, dict):
        for name in wanted:
            if had.get(name) != wanted[name]:
                return f"{name} was {had.get(name)} and is {wanted[name]}"
    return f"it has {had}, this run wants {wanted}"


def changes_since(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is otherwise than when a checkpoint was written, a line each.

    Args:
        before: The checkpoint.
        now: "fit", "augment" and "provenance" of the run that goes on.
    """
    tables = {
        "fit": (before["fit"], now["fit"]),
        "augment": (before["augment"], now["augment"]),
        "scene": (before["provenance"].get("scene", {}), now["provenance"].get("scene", {})),
    }
    notes = [
        f"note: {table}.{name} was {had[name]!r} so far and is {wanted[name]!r} from here on"
        for table, (had, wanted) in tables.items()
        for name in wanted
        if name in had and had[name] != wanted[name] and name not in _HARMLESS
    ]
    if before["provenance"].get("data") != now["provenance"].get("data"):
        notes.append("note: the data is not what it was so far")
    return notes


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a run's folder for this process.

    Raises:
        TrainingError: Another process trains in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(folder / ".lock", flags, 0o666)
    except OSError as err:
        raise TrainingError(f"cannot lock {folder}: {err.strerror}; take another folder") from err
    with os.fdopen(descriptor, "w") as file:
        try:
            # Not inherited by workers, and gone with the process, however it ends.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            raise TrainingError(
                f"another process trains in {folder}; wait for it, or take another run folder"
            ) from err
        try:
            yield
        finally:
            (folder / ".lock").unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()  # if nothing came of it
