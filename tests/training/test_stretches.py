"""A run's record says when each stretch of it was trained, and on what."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from small_run import ALONE, scenes, small_task, small_trainer, train, validation

from engine.errors import ModelError
from training.checkpoint import load_run, save_checkpoint
from training.fit import Trainer
from training.stretches import Stretches


def test_a_stretch_has_dates_in_utc_steps_and_its_own_seconds() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    stretches = Stretches(ALONE, "fp32")
    stretches.go_on([{"to_step": 10}], 10, 100.0)
    first, now = stretches.values(25, 130.04)
    assert first == {"to_step": 10}
    assert (now["from_step"], now["to_step"], now["trained_s"]) == (10, 25, 30.0)
    assert before <= datetime.fromisoformat(now["started"]) <= datetime.fromisoformat(now["ended"])
    assert now["started"].endswith("+00:00")
    assert (now["device"], now["precision"], now["processes"]) == ("cpu", "fp32", 1)
    assert now["machine"]["cores"] >= 1
    assert now["software"]["torch"]


def test_a_stretch_without_a_step_is_none() -> None:
    stretches = Stretches(ALONE, "fp32")
    assert stretches.values(0, 0.0) == []
    stretches.go_on([{"to_step": 3}], 3, 9.0)
    assert stretches.values(3, 9.0) == [{"to_step": 3}]


def test_a_run_that_goes_on_keeps_what_was_recorded(tmp_path: Path) -> None:
    train(tmp_path, steps=2)
    train(tmp_path, steps=2)  # has nothing left to do
    train(tmp_path, steps=5)
    stretches = load_run(tmp_path)["provenance"]["stretches"]
    assert [(s["from_step"], s["to_step"]) for s in stretches] == [(0, 2), (2, 5)]
    total = load_run(tmp_path)["trained_s"]
    assert sum(s["trained_s"] for s in stretches) == pytest.approx(total, abs=0.2)
    assert stretches[0]["ended"] <= stretches[1]["started"]


def test_a_run_of_before_has_no_record_of_its_first_stretch(tmp_path: Path) -> None:
    train(tmp_path, steps=2)
    state = load_run(tmp_path)
    del state["provenance"]["stretches"]
    save_checkpoint(tmp_path / "last.pt", state)
    train(tmp_path, steps=4)
    (only,) = load_run(tmp_path)["provenance"]["stretches"]
    assert (only["from_step"], only["to_step"]) == (2, 4)


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    train(tmp_path, steps=1)
    state = load_run(tmp_path)
    state["provenance"]["stretches"] = 5
    save_checkpoint(tmp_path / "last.pt", state)
    with pytest.raises(ModelError, match=r"last.pt is damaged: "):
        small_trainer(tmp_path, steps=2)


def test_what_a_run_began_with_is_not_what_lies_there_later(tmp_path: Path) -> None:
    def trainer(start_sha256: str) -> Trainer:
        first = small_trainer(tmp_path / "x", steps=2)
        return Trainer(
            tmp_path / "run", task=small_task(), config=first.config, world=ALONE,
            augment=first.augment_config,
            provenance={"start": "default", "start_sha256": start_sha256},
        )  # fmt: skip

    trainer("aa").run(scenes(), validation())
    torch.manual_seed(0)
    assert trainer("bb").provenance["start_sha256"] == "aa"
