"""A calibration for people."""

from __future__ import annotations

from training.calibration.calibrate import Calibration
from training.evaluation.intervals import hours_text, three_digits
from training.evaluation.tables import KINDS


def to_markdown(calibration: Calibration) -> str:
    """What was promised, what it costs, and the operating points."""
    promise, figures = calibration.promise, calibration.figures
    low, high = promise.interval_per_day
    hours = figures["hours_by_kind"].items()
    kinds = ", ".join(f"{KINDS.get(kind, kind)} {hours_text(length)}" for kind, length in hours)
    lines = [
        f"Promised: at most {figures['promised_per_day']:g} false alarms a day, all keywords "
        "together.",
        "",
        f"Expected: {three_digits(promise.per_day)} a day "
        f"({three_digits(low)} to {three_digits(high)}): "
        f"{promise.alarms.sum()} alarms, counted against {hours_text(promise.hours)}, in audio "
        f"that their thresholds had not seen ({kinds}). The thresholds below give "
        f"{figures['alarms_seen']} on the audio that they were made from.",
        "",
        "It costs, of words whose speakers the thresholds had not heard:",
        "",
        "| words | spoken | missed |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {promise.spoken[name]} | {promise.missed[name] / promise.spoken[name]:.1%} |"
        for name in promise.spoken
    ]
    decision = calibration.decision
    lines += [
        "",
        f"Smoothing over {decision.smoothing_windows} windows (tried: "
        + ", ".join(f"{n} misses {p.miss_rate:.1%}" for n, p in sorted(calibration.tried.items()))
        + f"), re-armed below {calibration.rearm_share:g} of the threshold, median "
        f"{figures['median_delay_s']:.2f} s from a word's end to its detection.",
        "",
        "| keyword | threshold | re-arm | alarms a day | spoken | missed, clean |",
        "|---|---|---|---|---|---|",
    ]
    for word, point in decision.operating_points.items():
        row = figures["keywords"][word]
        interval = point.false_alarms_per_day_interval or (0.0, 0.0)
        lines.append(
            f"| {word} | {point.threshold:.3f} | {point.rearm_threshold:.3f} "
            f"| {three_digits(point.false_alarms_per_day or 0)} "
            f"({three_digits(interval[0])} to {three_digits(interval[1])}) "
            f"| {row['spoken']} | {row['missed_clean']} |"
        )
    unspoken = [word for word, row in figures["keywords"].items() if not row["spoken"]]
    if unspoken:
        lines += ["", f"No clip of {', '.join(unspoken)}: nothing is known of their misses."]
    if "speech" not in figures["hours_by_kind"] and "room" not in figures["hours_by_kind"]:
        lines += ["", "There was no talk in this audio: the promise says nothing of talk."]
    return "\n".join(lines) + "\n"
