"""When and on what a run was trained: one record for each stretch between interruptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from training.distributed import World
from training.environment import software, training_machine


class Stretches:
    """The stretches of one run; the last of them is the one that trains now.

    Dates are for people: nothing is decided by them.

    Args:
        world: This process among others.
        precision: What it trains in, by name.
    """

    def __init__(self, world: World, precision: str) -> None:
        self._before: list[dict[str, Any]] = []
        self._from_step = 0
        self._trained_before_s = 0.0
        self._now = {
            "started": _date(),
            "device": world.device.type,
            "processes": world.size,
            "precision": precision,
            "machine": training_machine(world.device),
            "software": software(),
        }

    def go_on(self, before: Sequence[Mapping[str, Any]], step: int, trained_s: float) -> None:
        """Take up what an earlier process has recorded.

        Args:
            before: Its stretches; none of a run of an older version.
            step: Where it left off.
            trained_s: Seconds that it had trained.
        """
        self._before = [dict(stretch) for stretch in before]
        self._from_step = step
        self._trained_before_s = trained_s

    def values(self, step: int, trained_s: float) -> list[dict[str, Any]]:
        """All stretches as plain values; one without a step is left out.

        Args:
            step: Where the run stands.
            trained_s: Seconds trained so far, over all stretches.
        """
        if step == self._from_step:
            return self._before
        now = {
            **self._now,
            "ended": _date(),
            "from_step": self._from_step,
            "to_step": step,
            "trained_s": round(trained_s - self._trained_before_s, 1),
        }
        return [*self._before, now]


def _date() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
