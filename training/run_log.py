"""What a run writes down as it goes: `log.csv`, and TensorBoard's events."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import ConfigError
from engine.files import create_plain_file

_COLUMNS = ("step", "epoch", "loss", "validation", "learning_rate", "trained_s")


class Tally:
    """Loss since the last row of a log; it stays on the device until somebody looks."""

    def __init__(self, device: torch.device) -> None:
        self.total = torch.zeros((), dtype=torch.float64, device=device)
        self.steps = 0

    def take(self, loss: Tensor) -> None:
        """Count the loss of a step."""
        self.total += loss
        self.steps += 1

    def clear(self) -> None:
        """Begin anew."""
        self.total.zero_()
        self.steps = 0


class RunLog:
    """Rows of a run, one for each validation.

    Rows after the step that a run goes on from are dropped: they are trained again.

    Args:
        folder: Of the run.
        step: Where the run goes on.
        tensorboard: Whether its events are written too.
    """

    def __init__(self, folder: Path, step: int, *, tensorboard: bool) -> None:
        self._path = folder / "log.csv"
        folder.mkdir(parents=True, exist_ok=True)
        self._keep_until(step)
        self._writer: Any = None
        if tensorboard:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, row: Mapping[str, float]) -> None:
        """Add a row with every column."""
        with self._path.open("a", newline="") as file:
            csv.DictWriter(file, _COLUMNS).writerow(row)
        if self._writer is not None:
            for name in _COLUMNS[2:]:
                self._writer.add_scalar(name, row[name], row["step"])
            self._writer.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        if self._writer is not None:
            self._writer.close()

    def _keep_until(self, step: int) -> None:
        rows = [row for row in read_log(self._path) if int(row["step"]) <= step]
        aside = self._path.with_suffix(".partial")
        with io.TextIOWrapper(create_plain_file(aside), newline="") as file:
            writer = csv.DictWriter(file, _COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self._path)


def read_log(path: Path) -> list[dict[str, str]]:
    """The whole rows of a log; none where there is no log.

    Raises:
        ConfigError: The file is something else.
    """
    if not path.exists():
        return []
    try:
        with path.open(newline="", errors="replace") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            is_log = tuple(reader.fieldnames or ()) == _COLUMNS
    except csv.Error:
        is_log = False
    if not is_log:
        raise ConfigError(f"{path} is no log of a run; move it away, or take another run folder")
    return [row for row in rows if _is_whole(row)]


def _is_whole(row: Mapping[str | Any, Any]) -> bool:
    """Whether every column holds a number: a kill may have cut the last row."""
    try:
        numbers = [float(row[name]) for name in _COLUMNS]
        return numbers[0] == int(row["step"]) and set(row) == set(_COLUMNS)
    except (KeyError, TypeError, ValueError):
        return False
