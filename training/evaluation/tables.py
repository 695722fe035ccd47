"""Figures as Markdown for people and CSV for programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Figures = Mapping[str, Any]
_NOTES = 20
KINDS = {"speech": "running speech", "noise": "noise", "other_word": "other words"}
_HEADLINE_STREAMS = ("words, clean", "words, 10 dB", "words, 0 dB")


def to_markdown(figures: Figures) -> str:
    """The figures that people look at first, with 95 % intervals."""
    model = figures["model"]
    lines = [f"Model {model['name']}, SHA-256 {model['sha256'][:16]}", ""]
    notes = list(figures["data"].get("notes", []))
    if notes:
        lines += [f"Left out: {len(notes)}.", "", *(f"- {note}" for note in notes[:_NOTES])]
        lines += [f"- and {len(notes) - _NOTES} more"] if len(notes) > _NOTES else []
        lines.append("")
    for group, clips in figures["clips"].items():
        low, high = clips["accuracy_interval"]
        lines += [
            f"Clips of {group}: {round(clips['accuracy'] * clips['clips'])} of {clips['clips']} "
            f"right, {clips['accuracy']:.1%} ({low:.1%} to {high:.1%})",
            "",
        ]
    lines += _settings_table(figures["settings"])
    lines += ["", *_condition_table(figures["settings"][0]), ""]
    lines += _alarm_lines(figures["false_alarms_by_keyword"])
    lines += [*_speaker_lines(figures["by_speaker"]), "What can't be claimed:", ""]
    lines += [f"- {line}" for line in figures["cannot_be_claimed"]]
    return "\n".join(lines) + "\n"


def _settings_table(settings: Sequence[Figures]) -> list[str]:
    shown = [name for name in _HEADLINE_STREAMS if _stream(settings[0], name)]
    kinds = [s["kind"] for s in settings[0]["streams"] if s["kind"] != "words"]
    head = ["setting", "smoothing", "threshold"]
    head += [f"missed, {name.removeprefix('words, ')}" for name in shown]
    head += [f"alarms an hour on {KINDS.get(kind, kind)}" for kind in kinds]
    if shown:
        head.append("word end to detection, p50 / p95")
    lines = [_line(head), _line(["---"] * len(head))]
    for setting in settings:
        low, high = setting["lowest_threshold"], setting["highest_threshold"]
        cells = [setting["name"], str(setting["smoothing_windows"])]
        cells.append(f"{low:g}" if low == high else f"{low:.3g} to {high:.3g}")
        cells += [_percent(_stream(setting, name)["miss_rate"]) for name in shown]
        cells += [rate_text(s) for s in setting["streams"] if s["kind"] != "words"]
        if shown:
            latency = _stream(setting, shown[0])["latency_s"]
            cells.append(f"{latency['p50']:.2f} / {latency['p95']:.2f} s" if latency else "-")
        lines.append(_line(cells))
    return lines


def _condition_table(setting: Figures) -> list[str]:
    words = [s for s in setting["streams"] if s["kind"] == "words"]
    if not words:
        return []
    lines = [
        f"Every condition, {setting['name']}:",
        "",
        _line(["words in", "spoken", "missed", "taken for another", "twice", "other alarms"]),
        _line(["---"] * 6),
    ]
    for stream in words:
        low, high = stream["miss_interval"]
        others = stream["false_alarms"] - stream["substitutions"] - stream["duplicates"]
        lines.append(
            _line(
                [
                    stream["name"].removeprefix("words, "),
                    str(stream["references"]),
                    f"{_percent(stream['miss_rate'])} ({low:.1%} to {high:.1%})",
                    str(stream["substitutions"]),
                    str(stream["duplicates"]),
                    str(others),
                ]
            )
        )
    return lines


def _alarm_lines(by_stream: Figures) -> list[str]:
    lines = [
        f"Fired in {KINDS.get(name, name)}: "
        + ", ".join(f"{word} {count}" for word, count in counts.items())
        for name, counts in by_stream.items()
        if counts
    ]
    return [*lines, ""] if lines else []


def _speaker_lines(speakers: Figures) -> list[str]:
    if not speakers.get("speakers"):
        return []
    low, high = speakers["quartiles"]
    return [
        f"{speakers['speakers']} people with at least {speakers['min_references']} words, clean "
        f"and 10 dB: median {speakers['median']:.0%} missed, quartiles {low:.0%} and {high:.0%}, "
        f"worst tenth {speakers['worst_tenth']:.0%} (chance alone: "
        f"{speakers['worst_tenth_by_chance']:.0%}).",
        "",
    ]


def rate_text(stream: Figures) -> str:
    """A rate with its interval, its events and its hours."""
    low, high = stream["false_alarms_per_hour_interval"]
    return (
        f"{stream['false_alarms_per_hour']:.1f} ({low:.1f} to {high:.1f}; "
        f"{stream['false_alarms']} in {60 * stream['hours']:.1f} min)"
    )


def write_csv(figures: Figures, folder: Path) -> None:
    """Tables for programs: streams, keywords, curves, confusions."""
    streams = [
        {
            "setting": setting["name"],
            "smoothing_windows": setting["smoothing_windows"],
            **_flat(stream),
        }
        for setting in figures["settings"]
        for stream in setting["streams"]
    ]
    _write(folder / "streams.csv", streams)
    keywords = [
        {"stream": stream, "keyword": word, **_flat(row)}
        for stream, rows in figures["by_keyword"].items()
        for word, row in rows.items()
    ]
    keywords += [
        {"stream": stream, "keyword": word, "false_alarms": count}
        for stream, counts in figures["false_alarms_by_keyword"].items()
        for word, count in counts.items()
    ]
    _write(folder / "keywords.csv", keywords)
    _write(folder / "curves.csv", _curve_rows(figures["curves"]))
    for group, clips in figures["clips"].items():
        labels = list(clips["labels"])
        rows = [
            {"label": label, **dict(zip(labels, counts, strict=True))}
            for label, counts in zip(labels, clips["confusion"], strict=True)
        ]
        _write(folder / f"confusion_{group}.csv", rows)


def _curve_rows(curves: Iterable[Figures]) -> list[dict[str, Any]]:
    rows = []
    for curve in curves:
        for i, threshold in enumerate(curve["thresholds"]):
            row = {"smoothing_windows": curve["smoothing_windows"], "threshold": threshold}
            for kind, counts in curve["false_alarms"].items():
                row[f"alarms_per_hour_{kind}"] = counts[i] / curve["hours"][kind]
            for name, counts in curve["missed"].items():
                if not curve["references"][name]:
                    continue
                row[f"miss_rate {name}"] = counts[i] / curve["references"][name]
            rows.append(row)
    return rows


def _flat(values: Figures) -> dict[str, Any]:
    """Intervals and quantiles in columns of their own."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and len(value) == 2:
            flat[f"{name}_low"], flat[f"{name}_high"] = value
        elif name == "latency_s":
            flat["latency_p50_s"] = value["p50"] if value else None
            flat["latency_p95_s"] = value["p95"] if value else None
        elif isinstance(value, Mapping):
            flat[name] = " ".join(f"{key}:{count}" for key, count in value.items())
        else:
            flat[name] = value
    return flat


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    columns: list[str] = []
    for row in rows:
        columns += [name for name in row if name not in columns]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def _stream(setting: Figures, name: str) -> Figures:
    return next((stream for stream in setting["streams"] if stream["name"] == name), {})


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
