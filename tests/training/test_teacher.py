"""A teacher answers for its student's labels, softened, with features of its own."""

import dataclasses
from pathlib import Path

import pytest
import torch
from small_run import LABELS, small_task

from engine.errors import ConfigError
from training.ast import AudioSpectrogramTransformer
from training.teacher import Teacher, Trained

CPU = torch.device("cpu")


def trained() -> Trained:
    torch.manual_seed(0)
    task = small_task()
    model = AudioSpectrogramTransformer(task.model).eval()
    return Trained(model=model, labels=LABELS, fbank=task.fbank)


def posteriors(
    expert: Trained, labels: tuple[str, ...] = LABELS, temperature: float = 1.0
) -> torch.Tensor:
    torch.manual_seed(1)
    samples = 0.1 * torch.randn(2, 16_000)
    teacher = Teacher(expert, labels, device=CPU, temperature=temperature, where=Path("x"))
    return teacher.posteriors(samples, torch.tensor([16_000, 16_000]))


def test_labels_are_found_by_name() -> None:
    straight = posteriors(trained())
    torch.testing.assert_close(straight.sum(dim=1), torch.ones(2))
    torch.testing.assert_close(straight, posteriors(trained(), LABELS[::-1]).flip(1))


def test_a_label_that_it_does_not_know() -> None:
    with pytest.raises(ConfigError, match=r"teacher x does not know 'maybe' \(1 labels missing\)"):
        posteriors(trained(), (*LABELS, "maybe"))


def test_temperature_softens() -> None:
    sharp, soft = posteriors(trained()), posteriors(trained(), temperature=10.0)
    assert (soft.max(dim=1).values < sharp.max(dim=1).values).all()


def test_it_hears_with_its_own_features() -> None:
    expert = trained()
    other = dataclasses.replace(expert, fbank=dataclasses.replace(expert.fbank, mean=0.0))
    assert not torch.allclose(posteriors(expert), posteriors(other))


def test_agreement_costs_nothing() -> None:
    teacher = Teacher(trained(), LABELS, device=CPU, temperature=2.0, where=Path("x"))
    logits = torch.randn(3, 4)
    agreed = torch.softmax(logits / 2.0, dim=1)
    torch.testing.assert_close(teacher.row_losses(logits, agreed), torch.zeros(3))
    assert (teacher.row_losses(logits, agreed.flip(1)) > 0).all()
