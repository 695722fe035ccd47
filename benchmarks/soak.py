"""Hours of audio through the whole pipeline: does memory grow, does anything slow down.

At full speed the program's own pipeline, queue and printer run in this process, on a source that is
never late; in real time the program itself runs as a process that is watched from outside.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from benchmarks.processes import Usage, busy_processes, usage
from benchmarks.recordings import RATE_HZ, sound_files
from engine.audio.file import FileSource
from engine.audio.source import Block
from engine.backends import choose_backend
from engine.consumers import EventQueue
from engine.manifest import load_manifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import Float32, Stopped
from kws_app.printer import Printer
from kws_app.settings import Settings

LOSSES = ("overflows", "lost_samples", "skipped", "dropped_events")
LIMITS = ("memory", "handles", "latency", "losses")
MOST_GROWTH_MB = 5.0
MOST_SLOWER = 1.1
_WARM_S = 60.0
_POLL_S = 0.2
_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look at the process.

    Attributes:
        at_s: Seconds of audio so far.
        used: What it uses.
        p99_ms: From samples handed over to decision, of the windows since the last look.
        losses: Overflows, lost samples, skipped windows and dropped events so far, by name.
    """

    at_s: float
    used: Usage
    p99_ms: float
    losses: Mapping[str, int] = field(default_factory=dict)


def report(
    model: Path,
    data: Path | None,
    *,
    hours: float,
    minutes: float,
    device: str | None,
    busy: int,
    check: Sequence[str] | None,
) -> str:
    """Run one or both, and judge.

    Args:
        model: Model folder.
        data: Folder of sound files that are heard at full speed; the bundled recording if None.
        hours: Audio at full speed; 0 for none.
        minutes: Time with a microphone; 0 for none.
        device: The microphone; None for the default.
        busy: Processes that keep a core busy beside the microphone.
        check: End with status 1 where one of these limits does not hold; all of them if empty.

    Returns:
        Markdown tables with a verdict on each limit.
    """
    parts = []
    if hours:
        readings = at_full_speed(model, data, hours)
        parts.append(judged(f"{hours:g} h of audio at full speed", readings))
    if minutes:
        with busy_processes(busy):
            readings = live(model, device, minutes)
        parts.append(judged(f"{minutes:g} minutes live, {busy} busy processes beside it", readings))
    text = "\n\n".join(text for text, _ in parts)
    if check is not None and any(set(failed) & set(check or LIMITS) for _, failed in parts):
        raise SystemExit(text)
    return text


def at_full_speed(model: Path, data: Path | None, hours: float) -> list[Reading]:
    """Readings of this process after a minute and after every part of the audio.

    The parts are hours, or sixths of the whole where that has fewer than six.
    """
    manifest = load_manifest(model)
    queue = EventQueue(drop_oldest=True)
    part_s = min(3600.0, hours * 600)
    source = _Tireless(sound_files(data), manifest.windows.hop_samples)
    readings: list[Reading] = []
    # Nothing of the watching itself may grow, so all that it needs is there from the beginning.
    times_s = np.ones(round(part_s * RATE_HZ / manifest.windows.hop_samples) + 1)
    count = 0
    rate_hz = manifest.fbank.sample_rate_hz

    def see(scored: ScoredWindow) -> None:
        nonlocal count
        times_s[count] = time.perf_counter() - source.handed_over
        count += 1
        at_s = scored.posteriors.end_sample / rate_hz
        if at_s >= (len(readings) * part_s or _WARM_S):
            p99_ms = 1000 * float(np.percentile(times_s[:count], 99))
            readings.append(Reading(at_s=at_s, used=usage(os.getpid()), p99_ms=p99_ms))
            count = 0
            _progress(readings[-1])

    settings = Settings(json=True)
    pipeline = Pipeline(
        source,
        manifest,
        choose_backend("cpu", manifest),
        manifest.decision,
        [queue],
        stop_rule=StopRule(samples=round(hours * 3600 * rate_hz) + 1),
        on_window=see,
    )
    printer = Printer(settings, manifest, manifest.decision)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        pipeline.start()
        while not isinstance(event := queue.get(_POLL_S), Stopped):
            if event is not None:
                printer.show(event)
        pipeline.join()
    return readings


def live(model: Path, device: str | None, minutes: float) -> list[Reading]:
    """Readings of `--headless` on a microphone, every ten seconds."""
    command = [sys.executable, "-m", "kws_app", "--headless", "--json", "--model", str(model)]
    command += [] if device is None else ["--device", device]
    readings: list[Reading] = []
    program = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        assert program.stdout is not None  # noqa: S101  a pipe
        for line in program.stdout:
            event = json.loads(line)
            if event["event"] != "stats":
                continue
            at_s = event["time_s"]
            if at_s >= _WARM_S:
                readings.append(
                    Reading(
                        at_s=at_s,
                        used=usage(program.pid),
                        p99_ms=event["total_ms"]["p99"],
                        losses={name: event[name] for name in LOSSES},
                    )
                )
                _progress(readings[-1])
            if at_s >= minutes * 60:
                break
    finally:
        program.terminate()
        program.communicate()
    if program.returncode != 0:
        raise SystemExit(f"the program ended with status {program.returncode}")
    return readings


class _Tireless:
    """Recordings in a random order, for ever, louder and softer; a hop at a time, never late.

    It says that it is live, so that statistics come as from a microphone.
    """

    name = "soak"
    is_live = True
    sample_rate_hz = RATE_HZ

    def __init__(self, files: list[Path], hop_samples: int) -> None:
        # Paths remember how they are written once they have been used.
        self._files = [str(file) for file in files]
        self._hop_samples = hop_samples
        self.handed_over = 0.0

    def __enter__(self) -> Self:
        self._blocks = self._endless()
        self._pending: Float32 = np.empty(0, np.float32)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._blocks.close()

    def read(self) -> Block:
        while len(self._pending) < self._hop_samples:
            self._pending = np.concatenate([self._pending, next(self._blocks)])
        hop = self._pending[: self._hop_samples]
        self._pending = self._pending[self._hop_samples :]
        self.handed_over = time.perf_counter()
        return Block(samples=hop)

    def _endless(self) -> Generator[Float32]:
        rng = random.Random(0)
        for file in itertools.cycle(self._files):
            gain = np.float32(10 ** (rng.uniform(-20, 0) / 20))
            with FileSource(Path(file), RATE_HZ) as source:
                while (block := source.read()) is not None:
                    yield block.samples * gain


def _progress(reading: Reading) -> None:
    used = reading.used
    print(
        f"{reading.at_s / 3600:8.3f} h  {used.resident_mb:7.1f} MB  {used.threads} threads  "
        f"{used.descriptors} descriptors  p99 {reading.p99_ms:.2f} ms",
        file=sys.stderr,
        flush=True,
    )


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
        rows.append(_Row("losses", found, "none", not any(losses.values())))
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
    all_ms = [reading.p99_ms for reading in readings[1:]]
    ratio = all_ms[-1] / all_ms[0]
    found = (
        f"p99 from samples to decision: first {all_ms[0]:.2f} ms, last {all_ms[-1]:.2f} ms "
        f"({ratio:.2f}); median {np.median(all_ms):.2f}, {min(all_ms):.2f} to {max(all_ms):.2f} ms"
    )
    return _Row("latency", found, f"at most {MOST_SLOWER:g} times the first", ratio <= MOST_SLOWER)
