"""What a run learns: labels, features and shape; two runs of one task can go on from each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.config import FbankConfig, WindowConfig
from engine.errors import ConfigError, ModelError
from engine.manifest import require_names
from training.ast import AstConfig
from training.tables import from_table


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

    def __post_init__(self) -> None:
        """Refuse before the first step what no model folder may say."""
        require_names("", self.labels)

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
        """The task of a checkpoint.

        Raises:
            ModelError: A field is missing or wrong.
        """
        try:
            return cls(
                labels=tuple(state["labels"]),
                activation=state["activation"],
                fbank=from_table(FbankConfig, state["fbank"], "fbank"),
                windows=from_table(WindowConfig, state["windows"], "windows"),
                model=from_table(AstConfig, state["model"], "model"),
            )
        except (KeyError, TypeError, AttributeError, ConfigError) as err:
            raise ModelError(f"the checkpoint is damaged: {err}; train it anew") from err
