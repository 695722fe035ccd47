"""Records of different models make no card."""

import json
from pathlib import Path

import pytest
import torch
from card_world import World, train_recorded

from engine.errors import ConfigError, ModelError
from training.card.records import Records, read_records, with_measurements
from training.checkpoint import load_run, save_checkpoint


def test_everything_of_one_model(world: World) -> None:
    records = read_records(world.model, world.figures, world.run, world.owner)
    assert records.manifest
    assert records.figures
    assert records.owner
    assert records.training
    assert records.training.log
    assert read_records() == Records()


def test_figures_of_another_model_are_refused(world: World, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    found = json.loads((world.figures / "figures.json").read_text())
    for model in ({"sha256": "ab" * 32}, {}, "x"):
        path.write_text(json.dumps({**found, "model": model}))
        with pytest.raises(ConfigError, match=r"the figures in .* are of model .*measure this one"):
            read_records(world.model, path)
    path.write_text("{}")
    with pytest.raises(ConfigError, match="holds no figures of evaluate"):
        read_records(world.model, path)


def test_another_run_is_refused(world: World, tmp_path: Path) -> None:
    train_recorded(tmp_path / "run")
    read_records(world.model, run=tmp_path / "run")  # the same seed gives the same weights
    state = load_run(tmp_path / "run")
    with torch.no_grad():
        state["averaged_weights"]["head.bias"] += 0.01
    save_checkpoint(tmp_path / "run" / "last.pt", state)
    with pytest.raises(ConfigError, match=r"does not hold the weights of .*; export it anew"):
        read_records(world.model, run=tmp_path / "run")
    with pytest.raises(ModelError, match="there is no such file; it must be the checkpoint of"):
        read_records(run=tmp_path)


def test_nothing_is_measured_without_a_model(world: World) -> None:
    records = read_records(figures=world.figures)
    assert with_measurements(records) is records
