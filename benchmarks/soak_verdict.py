"""What a soak reads, and which limits hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks.processes import Usage

LIMITS = ("memory", "handles", "latency", "losses")
MOST_GROWTH_MB = 5.0
MOST_SLOWER = 1.1


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look at the process.

    Attributes:
        at_s: Seconds of audio so far.
        used: What it uses.
        p99_ms: From samples handed over to decision, of the windows since the last look.
        losses: Overflows, lost samples, skipped windows and dropped events so far, by name.
        fresh_p99_ms: The same of a process that has just begun, beside it; None where none was.
    """

    at_s: float
    used: Usage
    p99_ms: float
    losses: Mapping[str, int] = field(default_factory=dict)
    fresh_p99_ms: float | None = None


def judged(title: str, readings: list[Reading]) -> tuple[str, list[str]]:
    """A table of a run, and which of LIMITS do not hold.

    Args:
        title: Of the run.
        readings: The first one after warming up.

    Raises:
        SystemExit: There are fewer than three readings.
    """
    if len(readings) < 3:
        raise SystemExit(f"{title}: {len(readings)} readings are too few; run it longer")
    rows = [_memory(readings), _handles(readings), _latency(readings)]
    if losses := readings[-1].losses:
        found = ", ".join(f"{count} {name}" for name, count in losses.items())
        # A window that is skipped on a busy machine is no audio that is lost.
        holds = not any(count for name, count in losses.items() if name != "skipped")
        rows.append(_Row("losses", found, "none but skipped windows", holds))
    lines = [f"{title}, {len(readings)} readings", "", "| what | found | wanted | |"]
    lines.append("|---|---|---|---|")
    for row in rows:
        verdict = "holds" if row.holds else "DOES NOT HOLD"
        lines.append(f"| {row.limit} | {row.found} | {row.wanted} | {verdict} |")
    return "\n".join(lines), [row.limit for row in rows if not row.holds]


class _Row(NamedTuple):
    limit: str
    found: str
    wanted: str
    holds: bool


def _memory(readings: list[Reading]) -> _Row:
    first_mb, last_mb = readings[0].used.resident_mb, readings[-1].used.resident_mb
    growth_mb = max(reading.used.resident_mb for reading in readings) - first_mb
    found = (
        f"{first_mb:.1f} MB resident after the first minute, then at most {growth_mb:+.1f} MB, "
        f"at the end {last_mb - first_mb:+.1f} MB"
    )
    return _Row("memory", found, f"below +{MOST_GROWTH_MB:g} MB", growth_mb < MOST_GROWTH_MB)


def _handles(readings: list[Reading]) -> _Row:
    threads = {reading.used.threads for reading in readings}
    descriptors = {reading.used.descriptors for reading in readings}
    found = (
        f"{min(threads)} to {max(threads)} threads, "
        f"{min(descriptors)} to {max(descriptors)} descriptors"
    )
    return _Row("handles", found, "constant", len(threads) == len(descriptors) == 1)


def _latency(readings: list[Reading]) -> _Row:
    all_ms = [reading.p99_ms for reading in readings[1:] if reading.fresh_p99_ms is None]
    ratio = all_ms[-1] / all_ms[0]
    found = (
        f"p99 from samples to decision: first {all_ms[0]:.2f} ms, last {all_ms[-1]:.2f} ms "
        f"({ratio:.2f}); median {np.median(all_ms):.2f}, {min(all_ms):.2f} to {max(all_ms):.2f} ms"
    )
    ratios = [r.p99_ms / r.fresh_p99_ms for r in readings if r.fresh_p99_ms is not None]
    if not ratios:
        wanted = f"at most {MOST_SLOWER:g} times the first"
        return _Row("latency", found, wanted, ratio <= MOST_SLOWER)
    ratio = float(np.median(ratios))
    found += (
        f"; then beside a fresh process {ratio:.2f} times its p99 "
        f"({min(ratios):.2f} to {max(ratios):.2f} in {len(ratios)} pairs)"
    )
    wanted = f"at most {MOST_SLOWER:g} times a fresh process"
    return _Row("latency", found, wanted, ratio <= MOST_SLOWER)
