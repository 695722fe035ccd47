"""Sections 9 and 10: what explains the model, and where it fails, from what was measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.manifest import ModelManifest
from training.card.document import Items, Prose, Section
from training.card.hearing import MEASURE, confusions, shipped_streams, short
from training.card.identity import owner_said
from training.card.owner import Owner
from training.card.records import Records
from training.card.statement import Statement, said, share, unknown, value_said, whole
from training.card.training_record import TrainingRecord

Figures = Mapping[str, Any]
_SHOWN = 5
_LEAST_REFERENCES = 3
_NO_COMMAND = "not measured: no command of this version makes any"
_FEW_SPOKEN = 50
_SCOPE = (
    "It tells which of its keywords was spoken. It does not tell who spoke, what else was said, or "
    "whether it was meant, and it must not be used to decide about people."
)
_NETWORK = (
    "The program that listens opens no network connection: what it hears is scored on the machine "
    "that hears it. Only a webhook or an MQTT message that its owner writes down as an action goes "
    "out, with the keyword and its score and no audio."
)
_ONE_CLASS = (
    "Every window gets posteriors for all labels. A sound that training had nothing like may score "
    "as anything; the thresholds are what keeps it quiet."
)


def limits(records: Records, manifest: ModelManifest) -> list[Section]:
    """Explanations, scope, privacy, bias, failures."""
    figures, owner = records.figures, records.owner
    explained = [
        said(
            "explain.posteriors",
            "what can be looked at",
            "posteriors of every window before smoothing: --posteriors FILE.npz of the application",
        ),
        unknown("explain.attention", "attention roll-out", _NO_COMMAND),
        unknown("explain.occlusion", "occlusion examples", _NO_COMMAND),
        unknown("explain.deletion", "deletion curve", _NO_COMMAND),
    ]
    return [
        Section("Explainability", [Items(explained)]),
        Section("Limits", [Prose(_SCOPE), Prose(_ONE_CLASS), Items([*_use(owner, manifest)])]),
        Section("Privacy", [Prose(_NETWORK), Items([_voices(owner)])], level=3),
        Section("Bias and fairness", [Items([*_bias(figures, records.training)])], level=3),
        Section("Known failures", [Items([*_failures(figures)])], level=3),
    ]


def _use(owner: Owner | None, manifest: ModelManifest) -> Iterator[Statement]:
    yield owner_said(owner, "intended_use", "intended use")
    yield owner_said(owner, "out_of_scope", "out of scope, by the owner")
    yield said(
        "limits.hears",
        "what it hears",
        "{keywords} keywords, each by itself, in windows of {window} s; no sentences",
        keywords=whole(len(manifest.keywords)),
        window=f"{manifest.windows.window_samples / manifest.fbank.sample_rate_hz:g}",
    )


def _voices(owner: Owner | None) -> Statement:
    return owner_said(owner, "privacy", "whose voices were trained on, and their consent")


def _bias(figures: Figures | None, training: TrainingRecord | None) -> Iterator[Statement]:
    yield unknown(
        "bias.groups",
        "gender, age, accent, first language, speech impairments",
        "not measured: the recordings don't tell them, so nothing is claimed of any group",
    )
    speakers = figures["by_speaker"] if figures else {}
    label = "people who are heard worst"
    if speakers.get("speakers"):
        yield said(
            "bias.worst_tenth",
            label,
            "the worst tenth of {speakers} people is missed {worst}, the mean {mean}; by chance "
            "alone it would be {chance}",
            speakers=whole(speakers["speakers"]),
            worst=share(speakers["worst_tenth"]),
            mean=share(speakers["mean"]),
            chance=share(speakers["worst_tenth_by_chance"]),
        )
    else:
        why = "not measured: too few words of each speaker, or the speakers are not known"
        yield unknown("bias.worst_tenth", label, MEASURE if figures is None else why)
    yield _rarely_spoken(training)


def _rarely_spoken(training: TrainingRecord | None) -> Statement:
    label = f"keywords learnt from fewer than {_FEW_SPOKEN} clips of people"
    words = training.clips.get("train", {}).get("words", {}) if training else {}
    if not words:
        return unknown("bias.rare", label, "not recorded by this run")
    rare = [f"{word} ({n['people']})" for word, n in words.items() if n["people"] < _FEW_SPOKEN]
    return value_said("bias.rare", label, rare)


def _failures(figures: Figures | None) -> Iterator[Statement]:
    if figures is None:
        for name in ("keywords", "pairs", "conditions"):
            yield unknown(f"failures.{name}", f"weakest {name}", MEASURE)
        return
    yield _worst_keywords(figures)
    yield _pairs(figures)
    yield _conditions(figures)


def _worst_keywords(figures: Figures) -> Statement:
    label = "keywords that are missed most"
    streams = figures["by_keyword"]
    if not streams:
        return unknown("failures.keywords", label, "not measured: no stream of words")
    name, rows = next(iter(streams.items()))
    measured = {w: r for w, r in rows.items() if r["references"] >= _LEAST_REFERENCES}
    missed = [word for word, row in measured.items() if row["missed"]]
    worst = sorted(missed, key=lambda w: -measured[w]["miss_rate"])[:_SHOWN]
    listed = [
        f"{word} {measured[word]['missed']} of {measured[word]['references']}" for word in worst
    ]
    few = len(rows) - len(measured)
    return said(
        "failures.keywords",
        label,
        "{words} ({stream}); {few} keywords were spoken fewer than {least} times and are not "
        "ranked",
        words=", ".join(listed) or "none",
        stream=name,
        few=whole(few),
        least=whole(_LEAST_REFERENCES),
    )


def _pairs(figures: Figures) -> Statement:
    found = [
        f"{word} taken for {taken} ({times})"
        for clips in figures["clips"].values()
        for word, taken, times in list(confusions(clips))[:_SHOWN]
    ]
    label = "words that are confused"
    if not figures["clips"]:
        return unknown("failures.pairs", label, "not measured: no clips")
    return value_said("failures.pairs", label, found)


def _conditions(figures: Figures) -> Statement:
    words = [s for s in shipped_streams(figures) if s["kind"] == "words"]
    label = "places where most is missed"
    if not words:
        return unknown("failures.conditions", label, "not measured: no stream of words")
    worst = sorted(words, key=lambda s: -(s["miss_rate"] or 0))[:3]
    return value_said(
        "failures.conditions", label, [f"{short(s)}: {100 * s['miss_rate']:.1f} %" for s in worst]
    )
