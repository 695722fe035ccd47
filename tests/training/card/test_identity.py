"""Who the model is, whose, and what it came from."""

from dataclasses import replace

import pytest
from card_world import World

from training.card.document import all_statements
from training.card.identity import identity, owner_keys
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import Statement


def found(records: Records) -> dict[str, Statement]:
    assert records.manifest
    return all_statements(identity(records, records.manifest))


def test_names_hash_labels_and_operating_points(world: World) -> None:
    said = found(world.records)
    manifest = world.records.manifest
    assert manifest
    assert said["identity.sha256"].text == manifest.model_sha256
    assert said["identity.labels"].text == "_silence_, _unknown_, no, yes"
    assert said["identity.background"].text == "_silence_, _unknown_"
    assert said["keyword.yes"].text == "0.6000 | 0.3000 | not calibrated | -"
    assert said["decision.smoothing_windows"].text == "mean of the last 2 windows"
    assert said["decision.refractory_s"].text.startswith("0.80 s ")
    assert "width 24, 1 blocks, 2 heads" in said["identity.architecture"].text
    assert said["identity.architecture"].text.endswith("the head reads the class token")


def test_calibrated_keywords_say_what_is_expected(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    point = replace(
        manifest.decision.operating_points["yes"],
        false_alarms_per_day=1.234,
        false_alarms_per_day_interval=(0.5, 2.75),
    )
    decision = replace(manifest.decision, operating_points={"yes": point})
    records = replace(world.records, manifest=replace(manifest, decision=decision))
    assert found(records)["keyword.yes"].text == "0.6000 | 0.3000 | 1.2 | 0.5 to 2.8"


def test_the_owner_says_what_only_the_owner_can(world: World) -> None:
    said = found(world.records)
    assert said["owner.owner"].text == "A | B & C"
    assert said["owner.funding"].text == (
        "not stated by the owner: funding = ... in the file of --owner"
    )
    assert not found(replace(world.records, owner=None))["owner.licence"].known
    assert set(owner_keys()) == set(vars(Owner()))


@pytest.mark.parametrize(
    ("start", "sha256", "text"),
    [
        ("", None, "none: trained from random weights"),
        (None, None, "not recorded by this run"),
        ("default", None, "default, as it was at that time"),
        ("default", "ab", "default (SHA-256 of its weights ab)"),
    ],
)
def test_what_it_started_from(
    world: World, start: str | None, sha256: str | None, text: str
) -> None:
    assert world.records.training
    training = replace(world.records.training, start=start, start_sha256=sha256)
    assert found(replace(world.records, training=training))["identity.start"].text == text


def test_a_mean_of_models_names_them(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    assert "identity.average_of" not in found(world.records)
    provenance = {**manifest.provenance, "average_of": [{"sha256": "ab"}, {"sha256": "cd"}]}
    records = replace(world.records, manifest=replace(manifest, provenance=provenance))
    assert found(records)["identity.average_of"].text == (
        "the mean of those of 2 models: ab, cd; the training below is that of the one named first"
    )


def test_a_converted_checkpoint_is_not_called_trained(world: World) -> None:
    assert world.records.training
    origin = {"file": "x.pth", "sha256": "cd", "spelling": "original AST"}
    shape = {**world.records.training.architecture, "distillation_token": True}
    training = replace(world.records.training, converted_from=origin, architecture=shape)
    said = found(replace(world.records, training=training))
    assert said["identity.start"].text == (
        "converted from x.pth (original AST, SHA-256 cd); not trained by this program"
    )
    assert said["identity.architecture"].text.endswith("mean of class and distillation token")
    unknown = replace(world.records.training, architecture={})
    assert not found(replace(world.records, training=unknown))["identity.architecture"].known
