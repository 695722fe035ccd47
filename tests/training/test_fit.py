"""Training goes on after an interruption as if there had been none."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import small_corpus

from engine.config import FbankConfig
from engine.errors import ConfigError
from training.ast import AstConfig
from training.checkpoint import load_checkpoint
from training.data.scenes import SceneConfig, SceneMaker
from training.fit import BatchFeeder, FitConfig, Trainer, learning_rate_at, validation_windows

LABELS = ["_silence_", "_unknown_", "no", "yes"]


def trainer(folder: Path, *, labels: list[str] = LABELS, **config: object) -> Trainer:
    values = {"steps": 6, "batch_size": 8, "warmup_steps": 2, "validate_every": 3, "threads": 1}
    return Trainer(
        folder,
        labels=labels,
        fbank_config=FbankConfig(),
        model_config=AstConfig(n_labels=len(labels), dim=24, depth=1, heads=2, drop_path=0.0),
        scene_config=SceneConfig(),
        config=FitConfig(**(values | config)),
    )


def run(folder: Path, **config: object) -> dict[str, torch.Tensor]:
    one = trainer(folder, **config)
    one.run(small_corpus(), validation_windows(small_corpus(), LABELS, 16_000))
    return dict(one.averaged.state_dict())


def test_an_interrupted_run_ends_with_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(tmp_path / "whole")
    steps = []
    train_step = Trainer._train_step

    def interrupted(self: Trainer, *batch: torch.Tensor) -> float:
        if len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(self.step)
        return train_step(self, *batch)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", checkpoint_every_s=-1.0)
    assert load_checkpoint(tmp_path / "cut" / "last.pt")["step"] == 4
    monkeypatch.setattr(Trainer, "_train_step", train_step)
    resumed = run(tmp_path / "cut")
    for name, weight in whole.items():
        torch.testing.assert_close(resumed[name], weight, msg=name)


def test_it_learns_two_tones(tmp_path: Path) -> None:
    one = trainer(tmp_path, steps=60, batch_size=32, learning_rate=3e-3, ema_decay=0.9)
    validation = validation_windows(small_corpus(), LABELS, 16_000)
    before = one.accuracy(*validation)
    one.run(small_corpus(), validation)
    assert one.accuracy(*validation) >= max(0.8, before)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == list(range(3, 61, 3))
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    run(tmp_path, steps=1)
    with pytest.raises(ConfigError, match=r"trained with another labels: .*take another --run"):
        trainer(tmp_path, labels=["_silence_", "_unknown_", "no", "yep"])


def test_the_learning_rate_rises_then_falls_as_a_cosine() -> None:
    config = FitConfig(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate_at(step, config) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.505)
    assert rates[100] == pytest.approx(0.01)
    assert all(np.diff(rates[10:]) < 0)


def test_mixup_ends_before_the_training_does() -> None:
    config = FitConfig(steps=10, batch_size=8, mixup_probability=1.0, mixup_until=0.5)
    maker = SceneMaker(small_corpus(), LABELS, SceneConfig())
    with BatchFeeder(maker, config, first_step=4) as feeder:
        for step, mixed in ((4, True), (5, False)):
            samples, _ = maker.batch(8, np.random.default_rng((config.seed, step)))
            assert (feeder.next()[0].numpy() == samples).all() != mixed


def test_validation_windows_are_the_clips_as_they_are() -> None:
    clips = small_corpus()
    windows, wanted = validation_windows(clips, LABELS, 16_000)
    assert windows.shape == (6, 16_000)
    assert [LABELS[i] for i in wanted] == [clip.word for clip in clips[:6]]
    np.testing.assert_array_equal(windows[0], clips[0].samples / np.float32(32_768))
    shorter, _ = validation_windows(clips, LABELS, 8_000)
    np.testing.assert_array_equal(shorter, windows[:, :8_000])
