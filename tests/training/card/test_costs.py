"""Costs as they were counted and measured; estimates are called so."""

from dataclasses import replace
from typing import Any

import pytest
from card_world import World

from training.card.costs import costs
from training.card.document import all_statements
from training.card.macs import MultiplyAdds
from training.card.owner import Owner
from training.card.statement import Statement
from training.parity import PROVENANCE, Parity

SAME = Parity(
    precision="fp16",
    scored_by="torch",
    windows=10_000,
    largest=0.01,
    mean=0.001,
    changed_labels=3,
    decisions=200,
    gained=1,
    lost=1,
    words=400,
    missed=(40, 40),
    hours=0.5,
    alarms=(1, 1),
)


def found(world: World, **parts: Any) -> dict[str, Statement]:
    assert world.records.manifest
    return all_statements(costs(replace(world.records, **parts), world.records.manifest))


def test_what_was_counted_lasts_and_what_was_measured_does_not(world: World) -> None:
    said = found(world)
    for key in ("compute.parameters", "compute.multiply_adds", "compute.bytes.model.onnx"):
        assert said[key].lasting
    for key in ("compute.scoring.cpu", "compute.machine", "compute.parity.cpu"):
        assert not said[key].lasting
    assert said["compute.scoring.cuda"].text.startswith("not measured: ONNX Runtime ")


def test_times_memory_and_share_of_real_time(world: World) -> None:
    cost = world.records.cost
    assert cost
    scoring = {
        "cpu": {
            "backend": "cpu",
            "windows": 200,
            "model_ms": {"p50": 2.345, "p95": 3.0},
            "total_ms": {"p50": 5.0, "p95": 6.0},
            "peak_mib": 87.4,
        }
    }
    text = found(world, cost=replace(cost, scoring=scoring))["compute.scoring.cpu"].text
    assert text == (
        "model p50 2.35 ms, p95 3.00 ms; samples to decision p50 5.00 ms, p95 6.00 ms, 5.0 % of "
        "real time; most memory of a process that scores 87 MiB; 200 windows"
    ) or text.startswith("model p50 2.34 ms")
    scoring["cpu"]["peak_mib"] = None
    text = found(world, cost=replace(cost, scoring=scoring))["compute.scoring.cpu"].text
    assert "scores not told by the system" in text


def test_what_is_not_there_has_a_reason(world: World) -> None:
    said = found(world, cost=None)
    assert not any(said[key].known for key in ("compute.parameters", "compute.scoring"))
    cost = world.records.cost
    assert cost
    macs = MultiplyAdds(products=5, not_counted=("Einsum",))
    said = found(world, cost=replace(cost, parameters=None, parity=None, multiply_adds=macs))
    assert said["compute.parameters"].text == "not counted: no weights file"
    assert not said["compute.parity"].known
    assert said["compute.multiply_adds"].text.endswith("attention included; not counted: Einsum")


def test_energy_is_an_estimate_with_its_assumption(world: World) -> None:
    assert world.records.training
    training = replace(world.records.training, trained_s=7200.0)
    said = found(world, training=training)
    assert said["energy.training"].text == (
        "0.100 kWh: an estimate, not a measurement: 50.0 W, stated by the owner for the whole "
        "machine, for all of the 2.00 h"
    )
    assert said["energy.carbon"].text.startswith("0.025 kg: an estimate, ")


@pytest.mark.parametrize("owner", [None, Owner(), Owner(kg_per_kwh=0.4)])
def test_nothing_is_estimated_without_watts(world: World, owner: Owner | None) -> None:
    said = found(world, owner=owner)
    assert said["energy.training"].text.startswith("not estimated: give --watts")
    assert not said["energy.carbon"].known
    watts = found(world, owner=Owner(watts=9.0))
    assert watts["energy.training"].known
    assert watts["energy.carbon"].text.startswith("not estimated: give --kg-per-kwh")
    assert world.records.training
    timeless = replace(world.records.training, trained_s=None)
    said = found(world, owner=Owner(watts=9.0), training=timeless)
    assert said["energy.training"].text == "not estimated: the time was not recorded"


def test_another_precision_says_what_it_changes(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    assert "compute.precision" not in found(world)
    said = all_statements(
        costs(
            world.records,
            replace(manifest, provenance={**manifest.provenance, PROVENANCE: SAME.as_values()}),
        )
    )
    assert said["compute.precision"].lasting
    assert said["compute.precision"].text == (
        "fp16; against float32 on 10000 windows of real audio: logits differ by 1.0e-03 on "
        "average, 1.0e-02 at most; 1 of 200 detections lost, 1 gained; 10.0 % of the words missed, "
        "10.0 % in float32; 2.0 false alarms an hour, 2.0 in float32"
    )
