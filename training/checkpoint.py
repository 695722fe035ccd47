"""Checkpoints that survive interruption: written aside, synced, renamed; never unpickled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch

from engine.errors import ModelError


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that `path` always holds a whole one.

    Args:
        path: Target file; its folder is created.
        state: Tensors and plain values only.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".partial")
    with aside.open("wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        ModelError: The file is missing, is no checkpoint, or holds more than tensors and values.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # torch raises many kinds for a bad file
        reason = str(err).partition("\n")[0]
        raise ModelError(f"cannot read checkpoint {path}: {reason}; train it anew") from err
    if not isinstance(state, dict):
        raise ModelError(f"checkpoint {path} holds a {type(state).__name__}; it must hold a dict")
    return state
