"""Section 6: misses against false alarms in streams, latency, and what was promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.manifest import ModelManifest
from training.card.document import Block, Items, Picture, Section, Table
from training.card.hearing import MEASURE, shipped_streams, short
from training.card.records import Records
from training.card.statement import (
    Number,
    Slot,
    Statement,
    optional_share,
    points,
    said,
    slot_of,
    unknown,
    value_said,
    whole,
)
from training.evaluation.intervals import poisson_interval
from training.evaluation.tables import KINDS

Figures = Mapping[str, Any]
_SHOWN = ("words, clean", "words, 10 dB", "words, 0 dB")
_PROMISE = {
    "promised_per_day": "false alarms a day that were promised, at most",
    "hours": "hours of audio without keywords (of talk, where there was some)",
    "hours_by_kind": "hours of each kind",
    "expected_per_day": "expected false alarms a day",
    "interval_per_day": "their 95 % interval",
    "alarms_unseen": "alarms in held-out fifths",
    "alarms_seen": "alarms in the audio that the thresholds were chosen on",
    "miss_rates": "share of missed words, of held-out speakers",
    "spoken": "words spoken",
    "median_delay_s": "median delay from a word's end, s",
    "smoothing_tried": "numbers of windows tried",
}
_CALIBRATE = "not calibrated: the manifest's provenance has no calibration"


def streaming(records: Records, manifest: ModelManifest) -> list[Section]:
    """Settings, keywords, hours, promise."""
    figures = records.figures
    promise = Section(
        "Promised false alarms", [Items(_promise(manifest.provenance.get("calibration")))], level=3
    )
    if figures is None:
        return [Section("Streaming", [Items([unknown("streaming", "streams", MEASURE)])]), promise]
    blocks: list[Block] = [Items([*_latency(figures), *_hours(figures)]), _settings(figures)]
    curves = figures["curves"]
    if any(curve["missed"] and "speech" in curve["false_alarms"] for curve in curves):
        blocks.append(Picture("misses_against_alarms", "Missed words against false alarms"))
    return [
        Section("Streaming", blocks),
        Section("Each keyword in streams", _keywords(figures), level=3),
        promise,
    ]


def _latency(figures: Figures) -> Iterator[Statement]:
    words = [s for s in shipped_streams(figures) if s["kind"] == "words"]
    label = "from the word's end to the end of the window that fired"
    if not words or not words[0]["latency_s"]:
        yield unknown("streaming.latency", label, MEASURE)
        return
    yield said(
        "streaming.latency",
        label,
        "p50 {p50} s, p95 {p95} s ({name})",
        p50=Number(value=words[0]["latency_s"]["p50"], decimals=2),
        p95=Number(value=words[0]["latency_s"]["p95"], decimals=2),
        name=short(words[0]),
    )


def _hours(figures: Figures) -> Iterator[Statement]:
    """Hours of negatives, and what no alarm at all in them would prove."""
    for stream in shipped_streams(figures):
        if stream["kind"] in KINDS:
            yield said(
                f"streaming.hours.{stream['kind']}",
                f"hours of {KINDS[stream['kind']]}",
                "{hours}; without any alarm they would prove no better than {bound} an hour",
                hours=Number(value=stream["hours"], decimals=3),
                bound=Number(value=poisson_interval(0)[1] / stream["hours"], decimals=2),
            )


def _settings(figures: Figures) -> Table:
    names = [s["name"] for s in shipped_streams(figures)]
    shown = [name for name in _SHOWN if name in names]
    kinds = [s["kind"] for s in shipped_streams(figures) if s["kind"] in KINDS]
    head = ["setting", "threshold", *(f"missed, {n.removeprefix('words, ')}" for n in shown)]
    head += [f"alarms an hour on {KINDS[kind]} (95 %)" for kind in kinds]
    return Table(head, [_setting(s, shown, kinds) for s in figures["settings"]])


def _setting(setting: Figures, shown: list[str], kinds: list[str]) -> Statement:
    low, high = setting["lowest_threshold"], setting["highest_threshold"]
    streams = {stream["name"]: stream for stream in setting["streams"]}
    form = ["{threshold}"]
    values: dict[str, Slot] = {
        "threshold": Number(value=low) if low == high else f"{low:.3g} to {high:.3g}"
    }
    for number, name in enumerate(shown):
        form.append(f"{{missed{number}}}")
        values[f"missed{number}"] = optional_share(streams[name]["miss_rate"])
    by_kind = {stream["kind"]: stream for stream in setting["streams"]}
    for kind in kinds:
        bounds = by_kind[kind]["false_alarms_per_hour_interval"]
        rates = (by_kind[kind]["false_alarms_per_hour"], *bounds)
        names = (kind, f"{kind}_low", f"{kind}_high")
        values |= {n: Number(value=r, decimals=1) for n, r in zip(names, rates, strict=True)}
        form.append(f"{{{kind}}} ({{{kind}_low}} to {{{kind}_high}})")
    label = f"{setting['name']}, {setting['smoothing_windows']} windows"
    return said(f"setting.{label}", label, " | ".join(form), **values)


def _keyword_alarms(by_stream: Mapping[str, Mapping[str, int]]) -> Statement:
    label = "false alarms of each keyword on running speech and noise"
    if not by_stream:
        return unknown("streaming.keyword_alarms", label, "not measured: no such streams")
    listed = [
        f"{name.replace('_', ' ')}: {', '.join(f'{w} {n}' for w, n in counts.items()) or 'none'}"
        for name, counts in by_stream.items()
    ]
    return value_said("streaming.keyword_alarms", label, "; ".join(listed))


def _keywords(figures: Figures) -> list[Block]:
    streams = figures["by_keyword"]
    shown = [name for name in _SHOWN if name in streams] or list(streams)[:1]
    alarms = _keyword_alarms(figures["false_alarms_by_keyword"])
    if not shown:
        return [Items([unknown("streaming.keywords", "each keyword", MEASURE), alarms])]
    head = ["keyword", "spoken"]
    for name in shown:
        head += [f"missed, {name.removeprefix('words, ')}", "95 % interval, %"]
    rows = [_keyword(word, streams, shown) for word in streams[shown[0]]]
    return [Table(head, rows), Picture("keywords", "Missed words by keyword"), Items([alarms])]


def _keyword(word: str, streams: Figures, shown: list[str]) -> Statement:
    form = ["{spoken}"]
    values: dict[str, Slot] = {"spoken": whole(streams[shown[0]][word]["references"])}
    for number, name in enumerate(shown):
        row = streams[name][word]
        form += [f"{{missed{number}}}", f"{{low{number}}} to {{high{number}}}"]
        values[f"missed{number}"] = optional_share(row["miss_rate"])
        values[f"low{number}"], values[f"high{number}"] = map(points, row["miss_interval"])
    return said(f"streaming.keyword.{word}", word, " | ".join(form), **values)


def _promise(calibration: Any) -> list[Statement]:
    """Whatever plain values the calibration recorded."""
    if not isinstance(calibration, Mapping) or not calibration:
        return [unknown("calibration", "false alarms a day that were promised", _CALIBRATE)]
    return [
        value_said(
            f"calibration.{name}", _PROMISE.get(name, name.replace("_", " ")), slot_of(value)
        )
        for name, value in calibration.items()
    ]
