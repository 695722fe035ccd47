"""What is measured is the metric over every window, by the logits."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from small_run import LABELS, small_task, small_trainer, validation

from training.ast import AudioSpectrogramTransformer
from training.features import BatchFbank
from training.scores import accuracy
from training.validation import measure


def test_it_is_the_share_of_right_answers(tmp_path: Path) -> None:
    task = small_task()
    torch.manual_seed(3)
    model = AudioSpectrogramTransformer(task.model).eval()
    fbank = BatchFbank(task.fbank)
    source = validation()
    rng = np.random.default_rng(0)
    windows = [source.window(0, row, rng) for row in range(source.epoch_windows)]
    with torch.no_grad():
        logits = np.concatenate(
            [model(fbank(torch.from_numpy(w)[None])).numpy() for w, _ in windows]
        )
    expected = accuracy(logits, np.stack([target for _, target in windows]))
    assert measure(model, fbank, source, "accuracy") == pytest.approx(expected)
    assert 0 < measure(model, fbank, source, "map") <= 1


def test_a_sigmoid_is_not_applied_twice(tmp_path: Path) -> None:
    """Large logits stay apart; sigmoids of them would all be 1."""
    task = small_task()
    model = AudioSpectrogramTransformer(task.model).eval()
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([40.0, 41.0, 80.0, 60.0]))
    found = measure(model, BatchFbank(task.fbank), validation(), "accuracy")
    assert found == pytest.approx(0.5)  # all are "no"
    assert LABELS[2] == "no"
    assert not math.isnan(small_trainer(tmp_path).measure(validation()))
