"""How the model was trained: every setting, every stretch, and the order of what is done."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from card_world import World
from small_run import scenes, small_trainer, validation

from training.ast import AstConfig
from training.augment import Augment
from training.card.document import all_statements
from training.card.history import history
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import Statement
from training.data.scene_config import SceneConfig
from training.features import BatchFbank
from training.settings import AugmentConfig, DataConfig, FitConfig, ModelConfig


def found(records: Records) -> dict[str, Statement]:
    return all_statements(history(records))


def changed(world: World, **parts: Any) -> dict[str, Statement]:
    assert world.records.training
    return found(replace(world.records, training=replace(world.records.training, **parts)))


def test_every_hyper_parameter_is_there(world: World) -> None:
    said = found(world.records)
    classes = {"data": DataConfig, "scene": SceneConfig, "augment": AugmentConfig, "fit": FitConfig}
    for table, cls in classes.items():
        for field in fields(cls):
            assert said[f"{table}.{field.name}"].known, (table, field.name)
    for field in fields(AstConfig):
        assert said[f"model.{field.name}"].known, field.name
    assert {"size", "stride", "start"} <= {field.name for field in fields(ModelConfig)}
    assert said["fit.betas"].text == "0.9, 0.98"
    assert said["augment.warp"].text == "0.1"
    assert said["model.dim"].text == "24"


def test_keys_that_a_run_of_before_did_not_record_are_named(world: World) -> None:
    assert world.records.training
    tables = {**world.records.training.tables, "fit": {"steps": 5}}
    missing = changed(world, tables=tables)["fit.missing"]
    assert not missing.known
    assert "optimizer" in missing.text
    assert ": epochs, batch_size, loss, " in missing.text  # not steps


def test_counts_of_clips(world: World) -> None:
    said = found(world.records)
    assert said["data.source.tones"].text == "licence CC0"
    assert said["data.class.yes"].text == "3 | 0 | 3 | 0"
    assert said["data.class.other_word"].text == "1 | 0 | 0 | 0"
    assert said["data.clips.train"].text.startswith("9 of people, 0 of programs (0.0 % synthetic)")
    counts = {
        "words": {"yes": {"people": 1, "programs": 3}},
        "backgrounds": {},
        "speakers": {"people": 0, "programs": 2},
        "hours": None,
    }
    text = changed(world, clips={"train": counts})["data.clips.train"].text
    assert text == (
        "1 of people, 3 of programs (75.0 % synthetic); speakers known by name: 0 people, "
        "2 programs' voices"
    )
    assert not changed(world, clips={})["data.clips"].known


def test_sources_without_a_licence_are_the_owners_to_state(world: World) -> None:
    assert not changed(world, sources=())["data.licence"].known
    assert world.records.training
    training = replace(world.records.training, sources=())
    owner = Owner(data_licence="our own recordings")
    said = found(replace(world.records, training=training, owner=owner))
    assert said["data.licence"].text == "our own recordings"


def test_dates_speed_and_machine(world: World) -> None:
    said = found(world.records)
    assert said["training.started"].text <= said["training.ended"].text
    stretch = said["training.stretch.1"]
    assert stretch.text.startswith("steps 1 to 6, ")
    assert f"torch {torch.__version__}" in stretch.text
    assert "threads of torch" in stretch.text
    assert said["training.windows"].text == "48"
    speed = changed(world, trained_s=10.0)["training.windows_per_s"].text
    assert speed == "4.8 windows a second"
    assert said["training.validation"].text.startswith("accuracy ")


def test_what_was_not_recorded_says_so(world: World) -> None:
    said = changed(world, stretches=(), log=(), step=None, trained_s=None)
    for key in ("started", "ended", "machine", "software", "steps", "hours", "windows_per_s"):
        assert said[f"training.{key}"].text.startswith("not recorded by this run")
    assert "log.csv holds it; give --run" in said["training.validation"].text
    assert world.records.training
    (stretch,) = world.records.training.stretches
    later = changed(world, stretches=({**stretch, "from_step": 3},))
    assert not later["training.started"].known
    assert "steps 1 to 3 were taken by an older version" in later["training.started"].text
    assert later["training.ended"].known


def test_a_gpu_is_named(world: World) -> None:
    assert world.records.training
    (stretch,) = world.records.training.stretches
    machine = {**stretch["machine"], "gpu": "H100"}
    said = changed(world, stretches=({**stretch, "machine": machine},))
    assert ", H100; python " in said["training.stretch.1"].text


def test_nothing_is_said_of_a_training_elsewhere(world: World) -> None:
    assert set(changed(world, converted_from={"file": "x"})) == {"training"}
    assert set(found(replace(world.records, training=None))) == {"training"}


def order(world: World, **augment: Any) -> list[str]:
    assert world.records.training
    tables = dict(world.records.training.tables)
    tables["augment"] = {**tables["augment"], **augment}
    said = changed(world, tables=tables)
    return [s.text for key, s in said.items() if key.startswith("augmentation.")]


def test_the_order_has_only_what_is_on(world: World) -> None:
    steps = order(world)
    assert steps[0].startswith("compose")
    assert not any("smooth gain" in step or "rolled" in step for step in steps)
    assert any("smooth gain" in step for step in order(world, equalize_db=3.0))
    assert not any("mixup" in step for step in order(world, mixup=0.0))
    assert not any("SpecAugment" in s for s in order(world, mask_frames=0, mask_mels=0))
    assert world.records.training
    tables = {**world.records.training.tables, "scene": {}}
    clips = changed(world, tables=tables)
    assert clips["augmentation.1"].text.startswith("the clip as it is")
    assert not changed(world, tables={**tables, "augment": {}})["augmentation"].known


def test_the_order_is_that_of_the_code(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a training step calls, in its order, against the steps that the card lists."""
    called: list[str] = []
    names = {
        (BatchFbank, "cut_log_mel"): "log-mel",
        (Augment, "change_voice"): "frequency axis",
        (BatchFbank, "pad"): "padding",
        (Augment, "mask"): "SpecAugment",
        (BatchFbank, "normalize"): "normalisation",
        (Augment, "disturb"): "positive noise",
    }
    for (cls, name), word in names.items():
        monkeypatch.setattr(cls, name, _watched(getattr(cls, name), word, called))
    trainer = small_trainer(tmp_path, steps=1, validate_every=5)
    trainer.measure = lambda source: 0.0
    trainer.run(scenes(), validation())
    steps = order(world, noise=True, warp=0.1)
    listed = [word for step in steps for word in names.values() if step.startswith(word)]
    assert called == listed
    assert steps.index("mixup of two windows and their labels") < steps.index("log-mel (fbank)")


def _watched(method: Any, word: str, called: list[str]) -> Any:
    def watched(*arguments: Any) -> Any:
        called.append(word)
        return method(*arguments)

    return watched


def test_frequency_masks_come_before_time_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.config import FbankConfig

    axes: list[int] = []
    masked_fill = torch.Tensor.masked_fill

    def watched(self: torch.Tensor, mask: torch.Tensor, value: float) -> torch.Tensor:
        axes.append(2 if mask.shape[1] == 1 else 1)
        return masked_fill(self, mask, value)

    monkeypatch.setattr(torch.Tensor, "masked_fill", watched)
    augment = Augment(AugmentConfig(mask_frames=9, mask_mels=9, masks=2), FbankConfig(), 1)
    import numpy as np

    augment.mask(torch.zeros(2, 98, 128), 0, np.arange(2))
    assert axes == [2, 2, 1, 1]
