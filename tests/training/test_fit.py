"""Training learns, goes on after an interruption as if there had been none, and never lies."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from small_run import ALONE, LABELS, scenes, small_task, small_trainer, train, validation

from engine.errors import ConfigError, ModelError, SourceError, TrainingError
from training.batch_loss import BatchLoss
from training.checkpoint import load_checkpoint
from training.data.batches import Batch
from training.data.clip_source import ClipItem, ClipSource
from training.fit import Trainer
from training.run_log import read_log
from training.settings import AugmentConfig, FitConfig
from training.teacher import Teacher, Trained

FAST = {"learning_rate": 1e-3, "validate_every": 40, "warmup_steps": 20}


def interrupt_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    train_step = Trainer._train_step

    def interrupted(self: Trainer, *arguments: object) -> torch.Tensor:
        if self.step == steps:
            raise KeyboardInterrupt
        return train_step(self, *arguments)

    monkeypatch.setattr(Trainer, "_train_step", interrupted)


@pytest.mark.parametrize(
    "config",
    [
        {"task": small_task(drop_path=0.3, depth=2)},
        {"average_epochs": (1, 3), "ema_decay": 0.0},
        {"loss": "bce", "optimizer": "adam", "schedule": "steps", "precision": "fp32"},
    ],
)
def test_an_interrupted_run_ends_with_the_same_weights_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, object]
) -> None:
    whole = train(tmp_path / "whole", **config)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut", checkpoint_every_s=0.0, **config)
    assert load_checkpoint(tmp_path / "cut" / "last.pt")["step"] == 4
    resumed = train(tmp_path / "cut", **config)
    for name, weight in whole.export_weights().items():
        torch.testing.assert_close(resumed.export_weights()[name], weight, msg=name)
    rows = [read_log(tmp_path / folder / "log.csv") for folder in ("whole", "cut")]
    for row in (*rows[0], *rows[1]):
        del row["trained_s"]
    assert rows[0] == rows[1]
    assert [row["step"] for row in rows[1]] == ["3", "6"]


@pytest.mark.parametrize("workers", [0, 1])
def test_asked_to_end_it_saves_the_step_that_it_is_at(tmp_path: Path, workers: int) -> None:
    whole = train(tmp_path / "whole")
    trainer = small_trainer(tmp_path / "cut", workers=workers)
    train_step = trainer._train_step

    def asked(*arguments: object) -> torch.Tensor:
        if trainer.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return train_step(*arguments)

    trainer._train_step = asked
    with pytest.raises(KeyboardInterrupt) as raised:
        trainer.run(scenes(), validation())
    assert raised.value.args == (signal.SIGTERM,)
    assert load_checkpoint(tmp_path / "cut" / "last.pt")["step"] == 4
    resumed = train(tmp_path / "cut")
    for name, weight in whole.export_weights().items():
        torch.testing.assert_close(resumed.export_weights()[name], weight, msg=name)


def test_it_learns_two_tones(tmp_path: Path) -> None:
    trainer = small_trainer(tmp_path, steps=240, batch_size=32, augment=AugmentConfig(), **FAST)
    trainer.run(scenes(), validation())
    assert trainer.measure(validation()) >= 0.8
    rows = read_log(tmp_path / "log.csv")
    assert [int(row["step"]) for row in rows] == [40, 80, 120, 160, 200, 240]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])


def test_a_folder_of_another_run_is_refused(tmp_path: Path) -> None:
    train(tmp_path, steps=1)
    with pytest.raises(ConfigError, match=r"trained with other labels: .*take another run"):
        small_trainer(tmp_path, task=small_task((*LABELS[:3], "yep")))
    with pytest.raises(ConfigError, match=r"trained with other model: depth was 1 and is 2"):
        small_trainer(tmp_path, task=small_task(depth=2))


def test_a_loss_that_is_no_number_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = train(tmp_path, steps=3)
    loss = BatchLoss.__call__

    def poisoned(self: BatchLoss, live: torch.nn.Module, batch: Batch, step: int) -> torch.Tensor:
        return loss(self, live, batch, step) * float("nan")

    monkeypatch.setattr(BatchLoss, "__call__", poisoned)
    with pytest.raises(TrainingError, match=r"at step 2; nothing is lost: lower fit.learning_rat"):
        train(tmp_path / "fresh", validate_every=2)
    with pytest.raises(TrainingError, match=r"step 6; .*holds the last good step: lower fit.lea"):
        train(tmp_path, checkpoint_every_s=1e9)
    with pytest.raises(TrainingError, match=r"no longer a number at step 4"):
        train(tmp_path, checkpoint_every_s=0.0)
    state = load_checkpoint(tmp_path / "last.pt")
    assert state["step"] == 3
    assert good.step == 3
    assert all(torch.isfinite(value).all() for value in state["weights"].values())


def test_a_damaged_clip_is_one_error(tmp_path: Path) -> None:
    def broken() -> np.ndarray:
        raise SourceError("cannot read x.wav: damaged")

    item = ClipItem(name="x.wav", read=broken, labels=(2,))
    source = ClipSource([item] * 8, 4, max_samples=16_000, seed=0)
    for workers in (0, 1):
        with pytest.raises(SourceError, match=r"^cannot read x.wav: damaged$"):
            small_trainer(tmp_path, workers=workers).run(source, validation())


def test_workers_change_nothing(tmp_path: Path) -> None:
    alone = train(tmp_path / "alone").export_weights()
    helped = train(tmp_path / "helped", workers=2).export_weights()
    for name, weight in alone.items():
        torch.testing.assert_close(helped[name], weight, msg=name)


def test_the_best_weights_are_those_of_the_best_validation(tmp_path: Path) -> None:
    trainer = small_trainer(tmp_path, select="best")
    measured = iter([0.2, 0.9, 0.4])
    exported: list[dict[str, torch.Tensor]] = []

    def measure(source: ClipSource) -> float:
        exported.append({k: v.clone() for k, v in trainer.export_weights().items()})
        return next(measured)

    trainer.measure = measure
    trainer.config = FitConfig(**{**vars(trainer.config), "validate_every": 2})
    trainer.run(scenes(), validation())
    from training.start import open_start

    chosen = open_start(str(tmp_path)).weights.tensors
    torch.testing.assert_close(chosen["head.weight"], exported[1]["head.weight"])
    assert not torch.allclose(chosen["head.weight"], exported[2]["head.weight"])


def test_weights_are_averaged_over_the_epochs_asked_for(tmp_path: Path) -> None:
    # 6 clips in batches of 2: 3 steps an epoch
    seen = []
    trainer = small_trainer(
        tmp_path, ema_decay=0.0, average_epochs=(2, 3), steps=12, batch_size=2, validate_every=3
    )
    update = trainer.epoch_mean.update

    def watch(model: torch.nn.Module, epoch: int) -> None:
        seen.append((epoch, model.head.weight.detach().clone()))
        update(model, epoch)

    trainer.epoch_mean.update = watch
    trainer.run(scenes(), validation())
    assert [epoch for epoch, _ in seen] == [1, 2, 3, 4]
    mean = (seen[1][1] + seen[2][1]) / 2
    torch.testing.assert_close(trainer.export_weights()["head.weight"], mean)


def test_a_teacher_is_followed(tmp_path: Path) -> None:
    expert = small_trainer(tmp_path / "expert", steps=60, batch_size=32, learning_rate=3e-3)
    expert.run(scenes(), validation())
    trained = Trained(model=expert.model.eval(), labels=LABELS, fbank=expert.task.fbank)
    teacher = Teacher(trained, LABELS, device=torch.device("cpu"), temperature=2.0, where=tmp_path)
    student = small_trainer(
        tmp_path / "student", steps=60, batch_size=32, learning_rate=3e-3, teacher=teacher,
        teacher_share=1.0, augment=AugmentConfig(),
    )  # fmt: skip
    student.run(scenes(), validation())
    rows = read_log(tmp_path / "student" / "log.csv")
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])


def test_changed_settings_are_said(tmp_path: Path) -> None:
    train(tmp_path, steps=3)
    again = small_trainer(tmp_path, steps=3, learning_rate=0.5, workers=1)
    assert again.notes == ["note: fit.learning_rate was 0.001 so far and is 0.5 from here on"]
    assert small_trainer(tmp_path, steps=3).notes == []
    louder = small_trainer(tmp_path, steps=3, augment=AugmentConfig(mixup=0.9))
    assert louder.notes[0] == "note: augment.mixup was 0.5 so far and is 0.9 from here on"
    other = Trainer(
        tmp_path, task=small_task(), config=again.config, augment=again.augment_config, world=ALONE,
        provenance={"data": "more tones", "scene": {"word_share": 0.1}},
    )  # fmt: skip
    assert other.notes[-1] == "note: the data is not what it was so far"


def test_a_run_keeps_its_optimiser(tmp_path: Path) -> None:
    train(tmp_path, steps=1)
    with pytest.raises(ConfigError, match=r"fit.optimizer = 'adamw'; a run cannot change it"):
        small_trainer(tmp_path, optimizer="adam")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "x"),
        ("step", float("nan")),
        ("loss_sum", None),
        ("weights", {}),
        ("optimizer", {"state": {}, "param_groups": []}),
    ],
)
def test_a_damaged_checkpoint_is_one_line(tmp_path: Path, name: str, value: object) -> None:
    train(tmp_path, steps=1)
    state = load_checkpoint(tmp_path / "last.pt")
    torch.save({**state, name: value}, tmp_path / "last.pt")
    with pytest.raises(ModelError, match=r"last.pt is damaged: .*; take another run folder"):
        small_trainer(tmp_path, steps=1)
