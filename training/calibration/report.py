"""A calibration for people."""

from __future__ import annotations

from training.calibration.calibrate import Calibration


def to_markdown(calibration: Calibration) -> str:
    """What was promised, what it costs, and the operating points."""
    promise, figures = calibration.promise, calibration.figures
    low, high = promise.interval_per_day
    hours = figures["hours_by_kind"].items()
    kinds = ", ".join(f"{kind.replace('_', ' ')} {length:.2f} h" for kind, length in hours)
    lines = [
        f"Promised: at most {figures['promised_per_day']:g} false alarms a day, all keywords "
        "together.",
        "",
        f"Expected: {promise.per_day:.3g} a day ({low:.3g} to {high:.3g}): "
        f"{promise.alarms.sum()} alarms in {promise.hours:.2f} hours that their thresholds had "
        f"not seen ({kinds}). The thresholds below give {figures['alarms_seen']} on the audio that "
        "they were made from.",
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
            f"| {point.false_alarms_per_day:.3g} ({interval[0]:.3g} to {interval[1]:.3g}) "
            f"| {row['spoken']} | {row['missed_clean']} |"
        )
    return "\n".join(lines) + "\n"
