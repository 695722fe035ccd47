"""What every backend does."""

from __future__ import annotations

from typing import Protocol, Self

from engine.types import Float32


class Backend(Protocol):
    """Scores model inputs; used by one thread at a time."""

    @property
    def name(self) -> str:
        """Name as in --backend."""

    def __enter__(self) -> Self:
        """Load the model; raises BackendError or ModelError."""

    def __exit__(self, *exc_info: object) -> None:
        """Free it."""

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""
