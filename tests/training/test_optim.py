"""Learning rates, losses and averages are those of the papers."""

import numpy as np
import pytest
import torch
from torch import nn

from training.optim import EpochMean, WeightAverage, learning_rate_at, make_optimizer, row_losses
from training.settings import FitConfig


def rates(config: FitConfig, steps: int, steps_in_epoch: int = 10) -> list[float]:
    return [
        learning_rate_at(step, steps=steps, steps_in_epoch=steps_in_epoch, config=config)
        for step in range(steps + 1)
    ]


def test_a_cosine_after_a_linear_rise() -> None:
    found = rates(FitConfig(warmup_steps=10, learning_rate=1.0), 100)
    assert found[0] == pytest.approx(0.1)
    assert found[9] == found[10] == pytest.approx(1.0)
    assert found[55] == pytest.approx(0.505)
    assert found[100] == pytest.approx(0.01)
    assert all(np.diff(found[10:]) < 0)


def test_asts_decay_for_speech_commands() -> None:
    """2.5e-4 for five epochs, then 0.85 an epoch; the released run ended at 8.24e-6."""
    config = FitConfig(schedule="steps", learning_rate=2.5e-4, decay_from=5, decay=0.85)
    found = rates(config, 300)
    assert found[49] == 2.5e-4
    assert found[50] == pytest.approx(2.5e-4 * 0.85)
    released = FitConfig(
        schedule="steps", learning_rate=2.5e-4, decay_from=5, decay=0.85, decay_until=25
    )
    assert rates(released, 300)[299] == pytest.approx(8.24e-6, rel=1e-3)


def test_asts_decay_for_balanced_audioset() -> None:
    config = FitConfig(
        schedule="steps", learning_rate=5e-5, decay_from=10, decay_every=5, decay=0.5
    )
    found = rates(config, 250)
    by_epoch = [found[10 * epoch] / 5e-5 for epoch in range(25)]
    assert by_epoch == [1.0] * 10 + [0.5] * 5 + [0.25] * 5 + [0.125] * 5


def test_asts_stairs_of_warm_up() -> None:
    config = FitConfig(schedule="steps", learning_rate=1.0, warmup_steps=1000, decay_from=1000)
    found = rates(config, 2000, steps_in_epoch=5000)
    assert [found[step] for step in (0, 49, 50, 99, 999, 1000, 1001)] == [
        *(0.0, 0.0, 0.05, 0.05, 0.95, 1.0, 1.0),
    ]


def test_optimisers() -> None:
    model = nn.Linear(3, 2)
    adam = make_optimizer(model, FitConfig(optimizer="adam", weight_decay=5e-7))
    assert type(adam) is torch.optim.Adam
    assert [group["weight_decay"] for group in adam.param_groups] == [5e-7]
    adamw = make_optimizer(model, FitConfig(weight_decay=0.1))
    assert type(adamw) is torch.optim.AdamW
    assert [group["weight_decay"] for group in adamw.param_groups] == [0.1, 0.0]
    assert [group["params"][0].ndim for group in adamw.param_groups] == [2, 1]


def test_cross_entropy_takes_mixed_targets_as_they_are() -> None:
    """The original takes the argmax of targets cast to integers: every mixed one is class 0."""
    logits = torch.tensor([[1.0, 2.0, 3.0]])
    mixed = torch.tensor([[0.0, 0.4, 0.6]])
    expected = -(mixed * logits.log_softmax(1)).sum()
    found = row_losses(logits, mixed, FitConfig(loss="cross_entropy"))
    torch.testing.assert_close(found[0], expected)
    as_class_0 = -logits.log_softmax(1)[0, 0]
    assert not torch.allclose(found[0], as_class_0)


def test_bce_takes_logits_and_not_their_sigmoids() -> None:
    """The original's validation loss applies a sigmoid twice and stands still near 0.69."""
    targets = torch.tensor([[0.0, 1.0]])
    sure = torch.tensor([[-20.0, 20.0]])
    config = FitConfig(loss="bce")
    assert row_losses(sure, targets, config)[0] < 1e-6
    assert row_losses(torch.sigmoid(sure), targets, config)[0] > 0.4


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_label_smoothing(loss: str) -> None:
    config = FitConfig(loss=loss, label_smoothing=0.1)
    targets = torch.tensor([[0.0, 1.0, 0.0, 0.0]])
    smooth = targets * 0.9 + (0.05 if loss == "bce" else 0.025)
    best = torch.log(smooth / (1 - smooth)) if loss == "bce" else torch.log(smooth)
    at_best = row_losses(best, targets, config)
    for step in (-0.1, 0.1):
        shifted = best.clone()
        shifted[0, 1] += step
        assert row_losses(shifted, targets, config) > at_best


def test_the_average_follows_the_weights() -> None:
    model = nn.Linear(1, 1)
    average = WeightAverage(model, 0.9)
    first = model.weight.detach().clone()
    with torch.no_grad():
        model.weight += 1
    average.update(model, step=1)  # (1 + 1) / (10 + 1) of the past
    torch.testing.assert_close(average.weights["weight"], first + 9 / 11)
    average.update(model, step=1000)
    torch.testing.assert_close(average.weights["weight"], first + 1 - 0.9 * 2 / 11)


def test_the_mean_of_epochs() -> None:
    model = nn.Linear(1, 1)
    mean = EpochMean((2, 3))
    assert mean.mean(model.state_dict())["weight"] is not None
    values = []
    for epoch in range(1, 5):
        with torch.no_grad():
            model.weight.fill_(10.0 * epoch)
        mean.update(model, epoch)
        values.append(float(mean.mean(model.state_dict())["weight"]))
    assert values == [10.0, 20.0, 25.0, 25.0]
