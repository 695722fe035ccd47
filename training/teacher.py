"""A trained model that another one learns from (Hinton et al. 2015)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.ast import AudioSpectrogramTransformer
from training.features import BatchFbank


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trained:
    """A model that was trained, and what it was trained on.

    Attributes:
        model: Ready to score.
        labels: In the order of its logits.
        fbank: Its features.
    """

    model: AudioSpectrogramTransformer
    labels: Sequence[str]
    fbank: FbankConfig


class Teacher:
    """Scores the student's windows with its own features.

    Args:
        trained: The model.
        labels: The student's labels; the teacher must have all of them.
        device: Where it runs.
        temperature: Of both softmaxes.
        where: For error messages.

    Raises:
        ConfigError: A label is unknown to the teacher.
    """

    def __init__(
        self,
        trained: Trained,
        labels: Sequence[str],
        *,
        device: torch.device,
        temperature: float,
        where: Path,
    ) -> None:
        unknown = [label for label in labels if label not in trained.labels]
        if unknown:
            raise ConfigError(
                f"teacher {where} does not know {unknown[0]!r} ({len(unknown)} labels missing); "
                "a teacher needs every label of its student"
            )
        self._columns = torch.tensor([trained.labels.index(label) for label in labels])
        self._model = trained.model.to(device).eval()
        self._fbank = BatchFbank(trained.fbank, device)
        self._temperature = temperature

    @torch.no_grad()
    def posteriors(self, samples: Tensor, n_samples: Tensor) -> Tensor:
        """Softened posteriors of the student's labels, [B, n_labels]."""
        logits = self._model(self._fbank(samples, n_samples)).float()
        chosen = logits[:, self._columns.to(logits.device)]
        return functional.softmax(chosen / self._temperature, dim=1)

    def row_losses(self, logits: Tensor, posteriors: Tensor) -> Tensor:
        """Divergence of the student's softened posteriors from the teacher's, [B]."""
        student = functional.log_softmax(logits / self._temperature, dim=1)
        divergence = functional.kl_div(student, posteriors, reduction="none").sum(dim=1)
        return divergence * self._temperature**2
