"""A training's record is found where this and earlier versions put it."""

from pathlib import Path

import pytest
from card_world import World

from engine.errors import ConfigError
from training.card.training_record import record_of, record_of_run


def test_a_runs_record(world: World) -> None:
    record = record_of_run(world.run)
    assert record.tables["fit"]["batch_size"] == 8
    assert record.tables["augment"]["mixup"] == 0.5
    assert record.tables["data"]["folder"] == "tones"
    assert record.tables["scene"]["word_share"] == 0.55
    assert record.sources == [{"source": "tones", "licence": "CC0"}]
    assert (record.step, record.start, len(record.stretches)) == (6, "", 1)
    assert [row["step"] for row in record.log] == ["3", "6"]


def test_the_manifest_hands_on_all_of_it_but_the_log(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    of_manifest = record_of(manifest.provenance, manifest.provenance["training"])
    of_run = record_of_run(world.run)
    for name in ("tables", "architecture", "sources", "clips", "start", "step", "stretches"):
        assert getattr(of_manifest, name) == getattr(of_run, name), name
    assert of_manifest.log == ()


def test_an_early_manifest(default_folder: Path) -> None:
    early = {"data": [{"source": "a", "licence": "b"}], "training": {"scene": {"word_share": 0.5}}}
    record = record_of(early, early["training"])
    assert record.sources == [{"source": "a", "licence": "b"}]
    assert record.tables["scene"] == {"word_share": 0.5}
    assert record.start is None
    assert record.trained_s is None


def test_a_record_of_another_form_is_one_error() -> None:
    for provenance, state in (({"recipe": 5}, {}), ({}, True), ({"data": {"sources": 1}}, 5)):
        with pytest.raises(ConfigError, match="record of the training has a form that is not kno"):
            record_of(provenance, state)


def test_provenance_of_any_form() -> None:
    assert record_of({"data": "tones"}, {}).origin == {"described": "tones"}
    assert record_of({}, {}).sources == ()
