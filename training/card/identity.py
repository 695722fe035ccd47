"""Section 1: what the model is called, whose it is, what it came from, what it listens for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime

from engine.manifest import ModelManifest
from training.card.document import Items, Prose, Section, Table
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import (
    Number,
    Slot,
    Statement,
    of_today,
    said,
    slot_of,
    unknown,
    value_said,
    whole,
)
from training.card.training_record import TrainingRecord
from training.environment import software

TITLE = "Identity"
_OWNERS = (
    ("licence", "licence of the model"),
    ("owner", "owner"),
    ("contact", "contact"),
    ("funding", "funding"),
    ("demo", "demonstration"),
)


def identity(records: Records, manifest: ModelManifest) -> list[Section]:
    """The section and its table of keywords."""
    model = [
        value_said("identity.name", "name", manifest.name),
        value_said("identity.sha256", "SHA-256 of model.onnx", manifest.model_sha256),
        of_today(value_said("identity.kws_version", "card made with", f"kws {_version()}")),
        of_today(value_said("identity.date", "card made on", _today())),
        value_said(
            "identity.author",
            "who wrote this card",
            "the program, from records and measurements; only the owner's statements are written "
            "by people",
        ),
        value_said("identity.format", "format of the model", "ONNX, float32 in and out"),
    ]
    owners = [owner_said(records.owner, name, label) for name, label in _OWNERS]
    trained = [_start(records.training), *_averaged(manifest), _architecture(records.training)]
    labels = [
        value_said("identity.labels", "labels in the order of the logits", manifest.labels),
        value_said("identity.background", "labels that never fire", manifest.background_labels),
        value_said("identity.activation", "activation of the logits", manifest.activation),
    ]
    intro = Prose(
        "Made by `python -m training card` from the model folder, the records of its training and "
        "its measurements. What was not measured, not recorded or not stated says so. "
        "`python -m training card --check` compares this text with the records again."
    )
    return [
        Section(TITLE, [intro, Items([*model, *owners, *trained, *labels])]),
        _keywords(manifest),
    ]


def owner_said(owner: Owner | None, name: str, label: str) -> Statement:
    """What the owner's file says under a key, or that it says nothing."""
    value = getattr(owner, name) if owner else ""
    if value in ("", None):
        return unknown(
            f"owner.{name}", label, f"not stated by the owner: {name} = ... in the file of --owner"
        )
    return value_said(f"owner.{name}", label, value)


def owner_keys() -> Sequence[str]:
    """Every key that an owner's file may have."""
    return [field.name for field in fields(Owner)]


def _version() -> str:
    return software().get("kws", "of an unknown version")


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _start(training: TrainingRecord | None) -> Statement:
    label = "weights that training started from"
    if training is None:
        return unknown("identity.start", label, "not recorded")
    if training.converted_from:
        return said(
            "identity.start",
            "weights",
            "converted from {file} ({spelling}, SHA-256 {sha256}); not trained by this program",
            **{name: str(training.converted_from.get(name, "-")) for name in _CONVERTED},
        )
    if training.start is None:
        return unknown("identity.start", label, "not recorded by this run")
    if not training.start:
        return said("identity.start", label, "none: trained from random weights")
    if not training.start_sha256:
        return said("identity.start", label, "{name}, as it was at that time", name=training.start)
    return said(
        "identity.start",
        label,
        "{name} (SHA-256 of its weights {sha256})",
        name=training.start,
        sha256=training.start_sha256,
    )


def _averaged(manifest: ModelManifest) -> list[Statement]:
    """Of a model whose weights are the mean of several: which."""
    models = manifest.provenance.get("average_of")
    if not models:
        return []
    return [
        said(
            "identity.average_of",
            "weights",
            "the mean of those of {count} models: {models}; the training below is that of the one "
            "named first",
            count=whole(len(models)),
            models=slot_of([model["sha256"] for model in models]),
        )
    ]


_CONVERTED = ("file", "spelling", "sha256")


def _architecture(training: TrainingRecord | None) -> Statement:
    label = "architecture"
    shape = training.architecture if training else {}
    wanted = ("dim", "depth", "heads", "patch_mels", "patch_frames", "mel_stride", "frame_stride")
    if not set(wanted) <= set(shape):
        return unknown("identity.architecture", label, "not recorded with this model")
    tokens = "class and distillation token" if shape.get("distillation_token") else "class token"
    return said(
        "identity.architecture",
        label,
        "Audio Spectrogram Transformer; width {dim}, {depth} blocks, {heads} heads; patches of "
        "{patch_mels} mels x {patch_frames} frames every {mel_stride} mels and {frame_stride} "
        "frames; the head reads the {tokens}",
        tokens=f"mean of {tokens}" if shape.get("distillation_token") else tokens,
        **{name: whole(shape[name]) for name in wanted},
    )


def _keywords(manifest: ModelManifest) -> Section:
    decision = manifest.decision
    rate_hz = manifest.fbank.sample_rate_hz
    items = [
        said(
            "decision.smoothing_windows",
            "smoothing",
            "mean of the last {value} windows",
            value=whole(decision.smoothing_windows),
        ),
        said(
            "decision.refractory_s",
            "refractory period",
            "{value} s in which a keyword cannot fire again",
            value=Number(value=decision.refractory_samples / rate_hz, decimals=2),
        ),
    ]
    rows = []
    for word, point in decision.operating_points.items():
        interval = point.false_alarms_per_day_interval
        values: dict[str, Slot] = {
            "threshold": Number(value=point.threshold, decimals=4),
            "rearm": Number(value=point.rearm_threshold, decimals=4),
            "per_day": "not calibrated"
            if point.false_alarms_per_day is None
            else Number(value=point.false_alarms_per_day, decimals=1),
            "interval": f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else "-",
        }
        form = "{threshold} | {rearm} | {per_day} | {interval}"
        rows.append(said(f"keyword.{word}", word, form, **values))
    head = ("keyword", "threshold", "re-arm threshold", "false alarms a day", "95 % interval")
    return Section("Keywords and operating points", [Items(items), Table(head, rows)], level=3)
