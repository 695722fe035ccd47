"""Section 5: how well the model hears, from the figures of `evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from training.card.document import Block, Items, Picture, Section, Table
from training.card.inputs import NOT_RUN
from training.card.records import Records
from training.card.reliability import Reliability
from training.card.statement import (
    Number,
    Statement,
    optional_share,
    points,
    said,
    share,
    slot_of,
    unknown,
    value_said,
    whole,
)
from training.evaluation.tables import KINDS

Figures = Mapping[str, Any]
MEASURE = "not measured: python -m training evaluate --model FOLDER --data DATA --out REPORT"
_CONFUSIONS = 10
# What the checklist asks for and no command of this version measures.
_SWEEPS = (
    "speed",
    "pitch",
    "codec",
    "time shift",
    "length",
    "clipping apart from gain",
    "adversarial sounds",
)
_GROUPS = ("gender", "age", "accent", "first language")


def hearing(records: Records) -> list[Section]:
    """Clips, posteriors, places, people."""
    figures = records.figures
    return [
        Section("Evaluation", [Items(_measured_on(figures))]),
        *_clip_sections(figures),
        Section("Calibration of the posteriors", _reliability(records.reliability), level=3),
        Section("Noise, rooms and levels", _places(figures), level=3),
        Section("People", _people(figures), level=3),
        Section("What must not be heard", [Items(_rejection(records))], level=3),
        Section("What can't be claimed", [Items(_not_claimed(figures))], level=3),
    ]


def shipped_streams(figures: Figures) -> Sequence[Figures]:
    """Streams at the setting that ships."""
    streams: Sequence[Figures] = figures["settings"][0]["streams"]
    return streams


def _measured_on(figures: Figures | None) -> list[Statement]:
    if figures is None:
        return [unknown("evaluation.data", "measured on", MEASURE)]
    data = figures["data"]
    place = f"the {data['split']} split of {data['folder']}" if "folder" in data else "streams"
    clips = slot_of(data["clips"]) if data.get("clips") else "not recorded"
    return [
        value_said("evaluation.data", "measured on", place),
        value_said("evaluation.date", "measured", figures["date"]),
        said("evaluation.clips", "recordings by kind", "{value}", value=clips),
        value_said("evaluation.seed", "seed of the streams", figures["data"]["seed"]),
        value_said(
            "evaluation.intervals", "intervals", "95 %: Wilson for shares, Poisson for rates"
        ),
    ]


def _clip_sections(figures: Figures | None) -> list[Section]:
    if figures is None or not figures["clips"]:
        items = [unknown("clips", "clips, one window each", MEASURE)]
        return [Section("Clips", [Items(items)], level=3)]
    sections = []
    for group, clips in figures["clips"].items():
        items = [*_clip_figures(group, clips), *_confusions(group, clips)]
        blocks: list[Block] = [Items(items), Picture(f"confusion_{group}", "Confusion matrix")]
        head = ("label", "clips", "precision", "recall", "F1")
        blocks.append(Table(head, [*_label_rows(group, clips)]))
        sections.append(Section(f"Clips of {group}", blocks, level=3))
    return sections


def _clip_figures(group: str, clips: Figures) -> list[Statement]:
    low, high = clips["accuracy_interval"]
    key = f"clips.{group}"
    return [
        said(
            f"{key}.accuracy",
            "accuracy (one window a clip, highest posterior)",
            "{accuracy} ({low} to {high}), {right} of {clips}",
            accuracy=share(clips["accuracy"]),
            low=share(low),
            high=share(high),
            right=whole(round(clips["accuracy"] * clips["clips"])),
            clips=whole(clips["clips"]),
        ),
        _figure(f"{key}.map", "mAP", clips["mean_average_precision"]),
        _figure(f"{key}.auc", "area under the ROC", clips["mean_area_under_roc"]),
        _figure(f"{key}.d_prime", "d'", clips["d_prime"]),
    ]


def _figure(key: str, label: str, value: float | None) -> Statement:
    shown = "not defined" if value is None else Number(value=value, decimals=4)
    return value_said(key, label, shown)


def confusions(clips: Figures) -> Iterator[tuple[str, str, int]]:
    """What was said, what it was taken for, how often; the most frequent first."""
    labels = list(clips["labels"])
    wrong = np.array(clips["confusion"])
    np.fill_diagonal(wrong, 0)
    for place in np.argsort(-wrong, axis=None, kind="stable"):
        said_row, taken = np.unravel_index(place, wrong.shape)
        if wrong[said_row, taken]:
            yield labels[said_row], labels[taken], int(wrong[said_row, taken])


def _confusions(group: str, clips: Figures) -> list[Statement]:
    found = list(confusions(clips))[:_CONFUSIONS]
    if not found:
        return [said(f"clips.{group}.confusions", "known confusions", "none in these clips")]
    return [
        said(
            f"clips.{group}.confusion.{word}.{taken}",
            f"{word} taken for {taken}",
            "{times} of {clips}",
            times=whole(times),
            clips=whole(clips["labels"][word]["clips"]),
        )
        for word, taken, times in found
    ]


def _label_rows(group: str, clips: Figures) -> Iterator[Statement]:
    for label, row in clips["labels"].items():
        precision, recall = row["precision"], row["recall"]
        both = (precision or 0) + (recall or 0)
        f1 = 2 * precision * recall / both if precision and recall else None
        if f1 is None and precision is not None and recall is not None:
            f1 = 0.0
        yield said(
            f"clips.{group}.label.{label}",
            label,
            "{clips} | {precision} | {recall} | {f1}",
            clips=whole(row["clips"]),
            precision=optional_share(precision),
            recall=optional_share(recall),
            f1=optional_share(f1),
        )


def _reliability(found: Reliability | None) -> list[Block]:
    if found is None:
        why = "not measured: python -m training card --model FOLDER --data DATA"
        return [Items([unknown("reliability.ece", "calibration error (ECE)", why)])]
    items = [
        said(
            "reliability.ece",
            "calibration error (ECE)",
            "{ece}, {bins} bins, {clips} clips of words of {speakers}, {split} split of {folder}",
            ece=Number(value=found.ece, decimals=4),
            bins=whole(len(found.counts)),
            clips=whole(found.clips),
            split=found.split,
            folder=found.folder,
            speakers=found.speakers,
        ),
        said(
            "reliability.mean",
            "highest posterior",
            "{confidence} on average; {accuracy} of the clips are right",
            confidence=share(found.mean_confidence),
            accuracy=share(found.mean_accuracy),
        ),
    ]
    return [Items(items), Picture("reliability", "Reliability of the posteriors")]


def _places(figures: Figures | None) -> list[Block]:
    words = [s for s in shipped_streams(figures) if s["kind"] == "words"] if figures else []
    items = [
        unknown(f"sweep.{name}", name, "not measured: no command of this version measures it")
        for name in _SWEEPS
    ]
    if not words:
        return [Items([unknown("stream", "streams of words", MEASURE), *items])]
    rows = [
        said(
            f"stream.{stream['name']}",
            short(stream),
            "{references} | {rate} | {low} to {high} % | {substitutions} | {duplicates}",
            references=whole(stream["references"]),
            rate=optional_share(stream["miss_rate"]),
            low=points(stream["miss_interval"][0]),
            high=points(stream["miss_interval"][1]),
            substitutions=whole(stream["substitutions"]),
            duplicates=whole(stream["duplicates"]),
        )
        for stream in words
    ]
    head = ("words in", "spoken", "missed", "95 % interval", "taken for another", "heard twice")
    return [Table(head, rows), Picture("conditions", "Missed words by place"), Items(items)]


def short(stream: Figures) -> str:
    """Name of a stream of words without that it is one."""
    return str(stream["name"]).removeprefix("words, ")


def _people(figures: Figures | None) -> list[Block]:
    groups = [
        unknown(f"group.{name}", f"by {name}", "not measured: the recordings don't tell it")
        for name in _GROUPS
    ]
    if figures is None:
        return [Items([unknown("speakers", "spread over speakers", MEASURE), *groups])]
    by_source = {
        source: {name: row for name, row in streams.items() if row["references"]}
        for source, streams in figures["by_source"].items()
    }
    items = [_spread(figures["by_speaker"]), *_who_spoke(by_source), *groups]
    blocks: list[Block] = [Items(items)]
    if figures["by_speaker"].get("speakers"):
        blocks.append(Picture("speakers", "Spread over people"))
    if not all(by_source.values()):
        return blocks
    rows = [
        said(
            f"source.{source}.{name}",
            f"{source}, {name.removeprefix('words, ')}",
            "{references} | {rate} | {low} to {high} %",
            references=whole(row["references"]),
            rate=optional_share(row["miss_rate"]),
            low=points(row["miss_interval"][0]),
            high=points(row["miss_interval"][1]),
        )
        for source, streams in by_source.items()
        for name, row in streams.items()
    ]
    return [*blocks, Table(("words of", "spoken", "missed", "95 % interval"), rows)]


def _who_spoke(by_source: Figures) -> Iterator[Statement]:
    """Whether people and programs were measured apart, or who was not measured at all."""
    for source, streams in by_source.items():
        if not streams:
            why = "not measured: none is in the data; the words above are all of others"
            yield unknown(f"source.{source}", f"words of {source}", why)


def _spread(speakers: Figures) -> Statement:
    if not speakers.get("speakers"):
        why = "not measured: too few words of each speaker, or the speakers are not known"
        return unknown("speakers", "spread over speakers", why)
    return said(
        "speakers",
        "spread over speakers",
        "{speakers} people with at least {least} words (clean and 10 dB): median {median} missed, "
        "quartiles {low} and {high}, worst tenth {worst}; chance alone would give the worst tenth "
        "{chance}",
        speakers=whole(speakers["speakers"]),
        least=whole(speakers["min_references"]),
        median=share(speakers["median"]),
        low=share(speakers["quartiles"][0]),
        high=share(speakers["quartiles"][1]),
        worst=share(speakers["worst_tenth"]),
        chance=share(speakers["worst_tenth_by_chance"]),
    )


def _rejection(records: Records) -> list[Statement]:
    figures, behaviour = records.figures, records.behaviour
    found = []
    streams = {s["kind"]: s for s in shipped_streams(figures)} if figures else {}
    for kind, name in KINDS.items():
        if kind not in streams:
            why = MEASURE if figures is None else "not measured: none is in the data"
            found.append(unknown(f"rejection.{kind}", f"false alarms on {name}", why))
            continue
        stream = streams[kind]
        low, high = stream["false_alarms_per_hour_interval"]
        found.append(
            said(
                f"rejection.{kind}",
                f"false alarms on {name}, as shipped",
                "{alarms} in {minutes} min: {rate} an hour ({low} to {high})",
                alarms=whole(stream["false_alarms"]),
                minutes=Number(value=60 * stream["hours"], decimals=1),
                rate=Number(value=stream["false_alarms_per_hour"], decimals=1),
                low=Number(value=low, decimals=1),
                high=Number(value=high, decimals=1),
            )
        )
    if behaviour is None:
        return [*found, unknown("rejection.silence", "digital silence", NOT_RUN)]
    return [
        *found,
        said(
            "rejection.silence",
            "digital silence",
            "{detections} detections in {seconds} s",
            detections=whole(behaviour.silence.detections),
            seconds=Number(value=behaviour.silence.seconds, decimals=1),
        ),
    ]


def _not_claimed(figures: Figures | None) -> list[Statement]:
    if figures is None:
        return [unknown("claims", "limits of the figures", MEASURE)]
    lines = figures["cannot_be_claimed"]
    return [said(f"claims.{i}", "", "{value}", value=slot_of(line)) for i, line in enumerate(lines)]
