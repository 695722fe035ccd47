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
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from benchmarks.processes import busy_processes, usage
from benchmarks.recordings import RATE_HZ, sound_files
from benchmarks.soak_verdict import LIMITS, Reading, judged
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
_WARM_S = 60.0
_PAIRS, _PAIR_S = 6, 600.0
_POLL_S = 0.2
_ROOT = Path(__file__).parent.parent


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

    The parts are hours, or sixths of the whole where that has fewer than six. At the end six short
    parts are each followed by as much audio in a process that has just begun: the machine is the
    same for both, whoever else is at work on it.
    """
    part_s = min(3600.0, hours * 600)
    pair_s = min(_PAIR_S, part_s)
    ends_s = [_WARM_S, *(part_s * number for number in range(1, round(hours * 3600 / part_s) + 1))]
    pairs_s = [ends_s[-1] + pair_s * number for number in range(1, _PAIRS + 1)]
    readings: list[Reading] = []

    def take(at_s: float, p99_ms: float) -> None:
        fresh_ms = _fresh(model, data, pair_s) if len(readings) >= len(ends_s) else None
        used = usage(os.getpid())
        readings.append(Reading(at_s=at_s, used=used, p99_ms=p99_ms, fresh_p99_ms=fresh_ms))
        _progress(readings[-1])

    _run(model, data, [*ends_s, *pairs_s], take)
    return readings


def _fresh(model: Path, data: Path | None, seconds: float) -> float:
    """The p99 of a process that has just begun, in milliseconds, after its first minute."""
    command = [sys.executable, "-m", "benchmarks.soak", str(model), str(seconds)]
    command += [] if data is None else [str(data)]
    done = subprocess.run(command, cwd=_ROOT, check=True, capture_output=True, text=True)  # noqa: S603
    return float(done.stdout)


def _run(
    model: Path, data: Path | None, ends_s: Sequence[float], take: Callable[[float, float], None]
) -> None:
    """Hear recordings, and hand over each part's end in seconds and its p99 in milliseconds."""
    manifest = load_manifest(model)
    queue = EventQueue(drop_oldest=True)
    source = _Tireless(sound_files(data), manifest.windows.hop_samples)
    # Nothing of the watching itself may grow, so all that it needs is there from the beginning.
    longest_s = float(np.diff([0.0, *ends_s]).max())
    times_s = np.ones(round(longest_s * RATE_HZ / manifest.windows.hop_samples) + 1)
    count = part = 0
    rate_hz = manifest.fbank.sample_rate_hz

    def see(scored: ScoredWindow) -> None:
        nonlocal count, part
        if part == len(ends_s):
            return
        times_s[count] = time.perf_counter() - source.handed_over
        count += 1
        at_s = scored.posteriors.end_sample / rate_hz
        if at_s >= ends_s[part]:
            p99_ms = 1000 * float(np.percentile(times_s[:count], 99))
            count, part = 0, part + 1
            take(at_s, p99_ms)

    settings = Settings(json=True)
    pipeline = Pipeline(
        source,
        manifest,
        choose_backend("cpu", manifest),
        manifest.decision,
        [queue],
        stop_rule=StopRule(samples=round(ends_s[-1] * rate_hz) + 1),
        on_window=see,
    )
    printer = Printer(settings, manifest, manifest.decision)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        pipeline.start()
        while not isinstance(event := queue.get(_POLL_S), Stopped):
            if event is not None:
                printer.show(event)
        pipeline.join()


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
    fresh = "" if reading.fresh_p99_ms is None else f", fresh {reading.fresh_p99_ms:.2f} ms"
    print(
        f"{reading.at_s / 3600:8.3f} h  {used.resident_mb:7.1f} MB  {used.threads} threads  "
        f"{used.descriptors} descriptors  p99 {reading.p99_ms:.2f} ms{fresh}",
        file=sys.stderr,
        flush=True,
    )


def main(model: str, seconds: str, data: str | None = None) -> None:
    """Print the p99 of so many seconds of audio after the first minute."""
    found: list[float] = []
    _run(
        Path(model),
        None if data is None else Path(data),
        [_WARM_S, _WARM_S + float(seconds)],
        lambda _, p99_ms: found.append(p99_ms),
    )
    print(found[-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
