"""What a run learns: labels, features and shape; two runs of one task can go on from each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.config import FbankConfig, WindowConfig
from training.ast import AstConfig


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is learnt.

    Attributes:
        labels: In the order of the logits.
        activation: "softmax" or "sigmoid", by the loss.
        fbank: Features.
        windows: What the application scores.
        model: Shape.
    """

    labels: Sequence[str]
    activation: str
    fbank: FbankConfig
    windows: WindowConfig
    model: AstConfig

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for a checkpoint."""
        return {
            "labels": list(self.labels),
            "activation": self.activation,
            "fbank": asdict(self.fbank),
            "windows": asdict(self.windows),
            "model": self.model.to_dict(),
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Task:
        """The task of a checkpoint."""
        return cls(
            labels=tuple(state["labels"]),
            activation=state["activation"],
            fbank=FbankConfig(**state["fbank"]),
            windows=WindowConfig(**state["windows"]),
            model=AstConfig(**state["model"]),
        )
