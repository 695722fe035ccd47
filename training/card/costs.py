"""Sections 7 and 8: what a window costs, and what training cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.manifest import ModelManifest
from training.card.compute import Cost
from training.card.document import Items, Section
from training.card.identity import owner_said
from training.card.inputs import NOT_RUN
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import (
    Number,
    Statement,
    of_today,
    said,
    share,
    unknown,
    value_said,
    whole,
)
from training.card.training_record import TrainingRecord
from training.parity import PROVENANCE

_GIVE_WATTS = "not estimated: give --watts, or watts = ... in the file of --owner"
_GIVE_FACTOR = "not estimated: give --kg-per-kwh, or kg_per_kwh = ... in the file of --owner"


def costs(records: Records, manifest: ModelManifest) -> list[Section]:
    """Compute, then energy."""
    cost, owner = records.cost, records.owner
    compute = [*_counted(cost), *_precision(manifest), *_timed(cost, manifest)]
    energy = [
        *_energy(records.training, owner),
        owner_said(owner, "cloud", "where it was trained"),
        unknown(
            "energy.inference",
            "energy of a window",
            "not measured: no power meter; the times above tell the share of a core",
        ),
    ]
    return [
        Section("Compute", [Items(compute)]),
        Section("Energy", [Items(energy)]),
    ]


def _counted(cost: Cost | None) -> Iterator[Statement]:
    if cost is None:
        for key, label in _COUNTED:
            yield unknown(key, label, NOT_RUN)
        return
    if cost.parameters is None:
        yield unknown("compute.parameters", "parameters", "not counted: no weights file")
    else:
        yield said("compute.parameters", "parameters", "{value}", value=whole(cost.parameters))
    macs = cost.multiply_adds
    left_out = f"; not counted: {', '.join(macs.not_counted)}" if macs.not_counted else ""
    yield said(
        "compute.multiply_adds",
        "multiply-adds of a window",
        "{value} in matrix products and convolutions, attention included{left_out}",
        value=whole(macs.products),
        left_out=left_out,
    )
    for name, size in cost.file_bytes.items():
        yield said(f"compute.bytes.{name}", f"size of {name}", "{value} bytes", value=whole(size))


_COUNTED = (
    ("compute.parameters", "parameters"),
    ("compute.multiply_adds", "multiply-adds of a window"),
    ("compute.bytes", "size of the files"),
)


def _precision(manifest: ModelManifest) -> Iterator[Statement]:
    """What another number type than float32 changes, where the export compared the two."""
    found = manifest.provenance.get(PROVENANCE)
    if not found:
        return
    yield said(
        "compute.precision",
        "precision",
        "{precision}; against float32 on {windows} windows of real audio: logits differ by {mean} "
        "on average, {largest} at most; {lost} of {decisions} detections lost, {gained} gained; "
        "{missed} of the words missed, {missed_before} in float32; {alarms} false alarms an hour, "
        "{alarms_before} in float32",
        precision=str(found["precision"]),
        windows=whole(found["windows"]),
        mean=f"{found['mean_logit_difference']:.1e}",
        largest=f"{found['largest_logit_difference']:.1e}",
        lost=whole(found["decisions_lost"]),
        decisions=whole(found["decisions"]),
        gained=whole(found["decisions_gained"]),
        missed=share(found["miss_rate"]),
        missed_before=share(found["miss_rate_float32"]),
        alarms=Number(value=found["false_alarms_per_hour"], decimals=1),
        alarms_before=Number(value=found["false_alarms_per_hour_float32"], decimals=1),
    )


def _timed(cost: Cost | None, manifest: ModelManifest) -> Iterator[Statement]:
    if cost is None or not cost.scoring:
        for key, label in (("compute.scoring", "time and memory"), ("compute.parity", "parity")):
            yield unknown(key, label, NOT_RUN)
        return
    where = said(
        "compute.machine",
        "measured on",
        "{cpu}, {cores} cores, {what}",
        cpu=str(cost.machine["cpu"]),
        cores=whole(cost.machine["cores"]),
        what="batch size 1, one thread on a CPU",
    )
    yield of_today(where)
    hop_ms = 1000 * manifest.windows.hop_samples / manifest.fbank.sample_rate_hz
    for name, found in cost.scoring.items():
        yield _scored(name, found, hop_ms)
    if cost.parity is None:
        why = "not measured: the folder has no weights to compare with"
        yield unknown("compute.parity", "largest logit difference to torch", why)
        return
    for name, difference in cost.parity.items():
        label = f"largest logit difference to torch, {name}"
        yield of_today(value_said(f"compute.parity.{name}", label, f"{difference:.1e}"))


def _scored(name: str, found: Mapping[str, Any], hop_ms: float) -> Statement:
    key, label = f"compute.scoring.{name}", f"a window, backend {name}"
    if "error" in found:
        return unknown(key, label, f"not measured: {found['error']}")
    model, total, peak = found["model_ms"], found["total_ms"], found["peak_mib"]
    said_now = said(
        key,
        label,
        "model p50 {p50} ms, p95 {p95} ms; samples to decision p50 {total50} ms, p95 {total95} ms, "
        "{share} of real time; most memory of a process that scores {peak}; {windows} windows",
        p50=Number(value=model["p50"], decimals=2),
        p95=Number(value=model["p95"], decimals=2),
        total50=Number(value=total["p50"], decimals=2),
        total95=Number(value=total["p95"], decimals=2),
        share=Number(value=total["p50"] / hop_ms, decimals=1, percent=True),
        peak="not told by the system" if peak is None else f"{peak:.0f} MiB",
        windows=whole(found["windows"]),
    )
    return of_today(said_now)


def _energy(training: TrainingRecord | None, owner: Owner | None) -> Iterator[Statement]:
    """Energy and carbon dioxide; of what is missing, why."""
    watts = owner.watts if owner else None
    factor = owner.kg_per_kwh if owner else None
    label, carbon_label = "energy of training", "carbon dioxide of training"
    trained_s = training.trained_s if training else None
    if not trained_s or watts is None:
        why = _GIVE_WATTS if trained_s else "not estimated: the time was not recorded"
        yield unknown("energy.training", label, why)
        yield unknown("energy.carbon", carbon_label, why)
        return
    kwh = watts * trained_s / 3600 / 1000
    yield said(
        "energy.training",
        label,
        "{kwh} kWh: an estimate, not a measurement: {watts} W, stated by the owner for the whole "
        "machine, for all of the {hours} h",
        kwh=Number(value=kwh, decimals=3),
        watts=Number(value=watts),
        hours=Number(value=trained_s / 3600, decimals=2),
    )
    if factor is None:
        yield unknown("energy.carbon", carbon_label, _GIVE_FACTOR)
        return
    yield said(
        "energy.carbon",
        carbon_label,
        "{kg} kg: an estimate, the energy above at {factor} kg/kWh, stated by the owner",
        kg=Number(value=kwh * factor, decimals=3),
        factor=Number(value=factor),
    )
