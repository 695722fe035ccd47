"""Section 4: how the model was trained, from what was recorded then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from training.ast import AstConfig
from training.card.document import Block, Items, Picture, Prose, Section, Table
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import (
    Number,
    Statement,
    said,
    share,
    slot_of,
    unknown,
    value_said,
    whole,
)
from training.card.training_record import TABLES, TrainingRecord
from training.data.scene_config import SceneConfig
from training.settings import AugmentConfig, DataConfig, FitConfig, ModelConfig

NOT_RECORDED = "not recorded by this run; runs of this version record it"
_CLASSES: dict[str, type] = {
    "data": DataConfig,
    "model": ModelConfig,
    "scene": SceneConfig,
    "augment": AugmentConfig,
    "fit": FitConfig,
}
_GROUPS = ("people", "programs")
_BACKGROUNDS = {"other_word": "other words", "mistake": "what a model took for keywords"}


def history(records: Records) -> list[Section]:
    """Data, settings, order of the augmentation, time and machine."""
    training = records.training
    if training is None or training.converted_from:
        why = "not trained by this program: see the checkpoint's own card"
        return [
            Section("Training", [Items([unknown("training", "training", why)])]),
        ]
    augmentation = [Prose("What is done to a training window, in this order:")]
    return [
        Section("Training", [Items(_procedure(training)), *_curve(training)]),
        Section("Training data", _data(training, records.owner), level=3),
        *_tables(training),
        Section(
            "Order of preparation and augmentation",
            [*augmentation, Items(_order(training))],
            level=3,
        ),
    ]


def _procedure(training: TrainingRecord) -> list[Statement]:
    fit = training.tables["fit"]
    windows = _windows(training)
    found = [
        _or_unknown("training.steps", "optimiser steps", "{value}", training.step, 0),
        _or_unknown("training.hours", "time in training", "{value} h", _hours(training), 2),
        _or_unknown("training.windows", "windows trained on", "{value}", windows, 0),
        _or_unknown(
            "training.windows_per_s",
            "speed, with validation",
            "{value} windows a second",
            windows / training.trained_s if windows and training.trained_s else None,
            1,
        ),
        _or_unknown("training.seed", "seed of everything drawn", "{value}", fit.get("seed"), 0),
    ]
    return [*found, *_stretches(training), *_last_row(training)]


def _hours(training: TrainingRecord) -> float | None:
    return training.trained_s / 3600 if training.trained_s else None


def _windows(training: TrainingRecord) -> int | None:
    size = training.tables["fit"].get("batch_size")
    return training.step * size if training.step and size else None


def _or_unknown(
    key: str, label: str, form: str, value: float | None, decimals: int | None = None
) -> Statement:
    if value is None:
        return unknown(key, label, NOT_RECORDED)
    return said(key, label, form, value=Number(value=value, decimals=decimals))


def _stretches(training: TrainingRecord) -> list[Statement]:
    """Dates, machine and versions; a line for each stretch between interruptions."""
    stretches = training.stretches
    if not stretches:
        names = ("started", "ended", "machine", "software")
        return [unknown(f"training.{name}", name, NOT_RECORDED) for name in names]
    found = [
        value_said("training.started", "started", stretches[0]["started"]),
        value_said("training.ended", "ended", stretches[-1]["ended"]),
    ]
    if stretches[0]["from_step"]:
        text = f"steps 1 to {stretches[0]['from_step']} were taken by an older version"
        found[0] = unknown("training.started", "started", f"{NOT_RECORDED}: {text}")
    for number, stretch in enumerate(stretches, 1):
        label = f"stretch {number} of {len(stretches)}"
        found.append(
            said(
                f"training.stretch.{number}",
                label,
                "steps {first} to {last}, {started} to {ended}, {seconds} s; {device}, {precision},"
                " {processes} process(es); {machine}; {software}",
                first=whole(stretch["from_step"] + 1),
                last=whole(stretch["to_step"]),
                seconds=Number(value=stretch["trained_s"], decimals=0),
                processes=whole(stretch["processes"]),
                **{n: slot_of(stretch[n]) for n in ("started", "ended", "device", "precision")},
                machine=_machine(stretch["machine"]),
                software=slot_of(stretch["software"]),
            )
        )
    return found


def _machine(machine: Mapping[str, Any]) -> str:
    gpu = f", {machine['gpu']}" if machine.get("gpu") else ""
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['torch_threads']} threads of torch"
        f"{gpu}"
    )


def _last_row(training: TrainingRecord) -> list[Statement]:
    if not training.log:
        why = "not recorded in the manifest: the run's log.csv holds it; give --run"
        return [unknown("training.validation", "validation at the end", why)]
    last = training.log[-1]
    metric = training.tables["fit"].get("metric", "accuracy")
    best = max(training.log, key=lambda row: float(row["validation"]))
    return [
        said(
            "training.validation",
            "validation at the end",
            "{metric} {value} at step {step}; best {best} at step {best_step}",
            metric=metric,
            value=Number(value=float(last["validation"]), decimals=4),
            step=whole(int(last["step"])),
            best=Number(value=float(best["validation"]), decimals=4),
            best_step=whole(int(best["step"])),
        )
    ]


def _curve(training: TrainingRecord) -> list[Block]:
    return [Picture("learning_curve", "Learning curve")] if len(training.log) > 1 else []


def _data(training: TrainingRecord, owner: Owner | None) -> list[Block]:
    items = []
    for source in training.sources:
        name = str(source.get("source", "-"))
        form = "licence {value}"
        licence = slot_of(source.get("licence"))
        items.append(said(f"data.source.{name}", name, form, value=licence))
    if not training.sources:
        licence_said = owner.data_licence if owner else ""
        why = "not recorded: a plain folder names no sources; data_licence = ... in --owner"
        items.append(
            value_said("data.licence", "sources and licences", licence_said)
            if licence_said
            else unknown("data.licence", "sources and licences", why)
        )
    if training.origin:
        items.append(value_said("data.origin", "what else is recorded", dict(training.origin)))
    if not training.clips:
        return [Items([*items, unknown("data.clips", "clips and speakers", NOT_RECORDED)])]
    blocks: list[Block] = [Items([*items, *_totals(training.clips)])]
    head = ("class", "train, people", "train, programs", "validation, people", "programs")
    return [*blocks, Table(head, _classes(training.clips))]


def _totals(clips: Mapping[str, Any]) -> list[Statement]:
    found = []
    for split, counts in clips.items():
        rows = [*counts["words"].values(), *counts["backgrounds"].values()]
        people, programs = (sum(row[group] for row in rows) for group in _GROUPS)
        hours = counts["hours"]
        length = f"; {sum(hours.values()):.2f} h" if hours else ""
        found.append(
            said(
                f"data.clips.{split}",
                f"clips, {split}",
                "{people} of people, {programs} of programs ({synthetic} synthetic); speakers "
                "known by name: {speakers} people, {voices} programs' voices{length}",
                people=whole(people),
                programs=whole(programs),
                synthetic=share(programs / max(1, people + programs)),
                speakers=whole(counts["speakers"]["people"]),
                voices=whole(counts["speakers"]["programs"]),
                length=length,
            )
        )
    return found


def _classes(clips: Mapping[str, Any]) -> list[Statement]:
    names: dict[str, None] = {}
    for counts in clips.values():
        names.update(dict.fromkeys([*counts["words"], *counts["backgrounds"]]))
    return [
        said(
            f"data.class.{name}",
            _BACKGROUNDS.get(name, name),
            "{train_people} | {train_programs} | {validation_people} | {validation_programs}",
            **{
                f"{split}_{group}": whole(_count(clips.get(split, {}), name, group))
                for split in ("train", "validation")
                for group in _GROUPS
            },
        )
        for name in names
    ]


def _count(counts: Mapping[str, Any], name: str, group: str) -> int:
    for kind in ("words", "backgrounds"):
        if name in counts.get(kind, {}):
            return int(counts[kind][name][group])
    return 0


def _tables(training: TrainingRecord) -> list[Section]:
    """Every key of every table; [features] stands among the inputs."""
    sections = []
    for table in TABLES:
        values, names = training.tables[table], [field.name for field in fields(_CLASSES[table])]
        if table == "scene" and not values and training.tables["data"].get("windows") == "clips":
            continue
        if table == "model":  # the shape that the keys gave
            chosen = {name: values[name] for name in _MODEL_CHOICES if name in values}
            values = {**training.architecture, **chosen}
            names = [*(field.name for field in fields(AstConfig)), *_MODEL_CHOICES]
        rows = [value_said(f"{table}.{name}", name, value) for name, value in values.items()]
        missing = [name for name in names if name not in values]
        blocks: list[Block] = [Table(("key", "value"), rows)] if rows else []
        if missing:
            why = f"{NOT_RECORDED}: {', '.join(missing)}"
            blocks.append(Items([unknown(f"{table}.missing", "other keys", why)]))
        sections.append(Section(f"Hyper-parameters, [{table}]", blocks, level=3))
    return sections


_MODEL_CHOICES = ("size", "stride", "start")


def _order(training: TrainingRecord) -> list[Statement]:
    """Steps of `training.data.scenes`, `data.batches` and `training.fit`, those that are on."""
    augment, scene = training.tables["augment"], training.tables["scene"]
    if not augment:
        return [unknown("augmentation", "order", NOT_RECORDED)]
    steps = [text for is_on, text in _possible_steps(augment, scene) if is_on]
    return [
        value_said(f"augmentation.{number}", f"step {number}", text)
        for number, text in enumerate(steps, 1)
    ]


def _possible_steps(
    augment: Mapping[str, Any], scene: Mapping[str, Any]
) -> Sequence[tuple[bool, str]]:
    composed = bool(scene)
    masks = bool(augment.get("mask_mels") or augment.get("mask_frames"))
    return (
        (composed, "compose: word, cut word, running speech, other words or noise, at a speed"),
        (not composed, "the clip as it is, cut at the model's input"),
        (composed and bool(scene.get("reverb_probability")), "room: a synthetic response"),
        (composed, "noise: recorded or synthetic, at a drawn ratio to the word"),
        (composed, "level: a drawn peak; what goes above full scale clips"),
        (bool(augment.get("mixup")), "mixup of two windows and their labels"),
        (True, "log-mel (fbank)"),
        (bool(augment.get("warp")), "frequency axis stretched"),
        (bool(augment.get("equalize_db")), "smooth gain over frequency"),
        (True, "padding to the model's input"),
        (masks, "SpecAugment: frequency masks, then time masks"),
        (True, "normalisation"),
        (bool(augment.get("noise")), "positive noise added, then rolled in time"),
    )
