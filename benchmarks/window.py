"""What the window costs beside the same pipeline without one: processor time and memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.desktop import SCREEN_PX, DesktopWindow, a_display
from benchmarks.processes import Usage, usage
from benchmarks.recordings import write_recording

_ROOT = Path(__file__).parent.parent
_STARTED_S = 10.0  # start-up is no part of the figures
_SETTLED_S = 1.0
_SIZES_PX = ((1_040, 700), SCREEN_PX)
_READ_EVERY_S = 15.0
_WARM_S = 120.0
_KEPT_CLIPS, _CLIP_MB = 500, 0.048  # kws_app.gui.history: 1.5 s of 16 bits


@dataclass(frozen=True, kw_only=True)
class _Programs:
    """Both, beside each other on the same audio."""

    headless: int
    window: int
    x_server: int | None
    shown: DesktopWindow
    detections: Path

    def used(self) -> dict[str, Usage]:
        """A look at all processes."""
        found = {"headless": usage(self.headless), "window": usage(self.window)}
        return found if self.x_server is None else {**found, "X server": usage(self.x_server)}


def report(model: Path, data: Path | None, *, rounds: int, stretch_s: float, minutes: float) -> str:
    """Measure both programs.

    Args:
        model: Model folder.
        data: Folder of sound files; the bundled recording if None.
        rounds: How often each state of the window has its turn.
        stretch_s: Length of a turn.
        minutes: Length of the memory run that follows; 0 for none.

    Returns:
        Markdown tables.
    """
    turns = (len(_SIZES_PX) + 1) * rounds
    seconds = 60 + turns * (stretch_s + _SETTLED_S) + minutes * 60
    with _started(model, data, seconds) as programs:
        tables = _processor(programs, rounds, stretch_s) if rounds else ""
        if minutes:
            programs.shown.show(*_SIZES_PX[0])
            tables += "\n\n" * bool(tables) + _memory(programs, minutes)
    return tables


@contextmanager
def _started(model: Path, data: Path | None, seconds: float) -> Iterator[_Programs]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        display, x_server = stack.enter_context(a_display())
        recording, detections = folder / "long.wav", folder / "detections.txt"
        write_recording(recording, data, seconds)
        own = {f"XDG_{name}": str(folder) for name in ("CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR")}
        variables = {**os.environ, **own, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        shared = ["--backend", "cpu", "--model", str(model.resolve()), "--input", str(recording)]

        def start(*flags: str, out: Path) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "kws_app", *shared, *flags]
            with out.open("w") as file:
                process = subprocess.Popen(  # noqa: S603  our own command
                    command, cwd=_ROOT, env=variables, stdout=file, stderr=subprocess.STDOUT
                )
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        headless = start("--headless", "--realtime", "--quiet", out=detections)
        window = start(out=folder / "window.txt")
        try:
            shown = DesktopWindow(display, window)
        except SystemExit as why:
            said = (folder / "window.txt").read_text().strip()
            raise SystemExit(f"{why}; it said: {said or 'nothing'}") from None
        stack.callback(shown.close)
        time.sleep(_STARTED_S)
        yield _Programs(
            headless=headless.pid,
            window=window.pid,
            x_server=x_server,
            shown=shown,
            detections=detections,
        )


def _processor(programs: _Programs, rounds: int, stretch_s: float) -> str:
    """Shares of one core, the states of the window in turns."""
    names = [f"{width} x {height}" for width, height in _SIZES_PX] + ["hidden"]
    shares: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, size in zip(names, (*_SIZES_PX, None), strict=True):
            if size is None:
                programs.shown.hide()
            else:
                programs.shown.show(*size)
            time.sleep(_SETTLED_S)
            shares[name].append(_shares(programs, stretch_s))
    return _processor_table(shares, stretch_s)


def _processor_table(shares: dict[str, list[dict[str, float]]], stretch_s: float) -> str:
    lines = [
        f"Shares of one core, medians of {len(next(iter(shares.values())))} stretches of "
        f"{stretch_s:g} s in turns (the least and the most)",
        "",
        "| window | headless | window | more than headless | X server |",
        "|---|---|---|---|---|",
    ]
    for name, turns in shares.items():
        more = [turn["window"] - turn["headless"] for turn in turns]
        medians = {key: f"{np.median([turn[key] for turn in turns]):.1%}" for key in turns[0]}
        lines.append(
            f"| {name} | {medians['headless']} | {medians['window']} "
            f"| {np.median(more):+.1%} ({min(more):+.1%} to {max(more):+.1%}) "
            f"| {medians.get('X server', 'not ours')} |"
        )
    return "\n".join(lines)


def _shares(programs: _Programs, seconds: float) -> dict[str, float]:
    before, started = programs.used(), time.monotonic()
    time.sleep(seconds)
    after, passed_s = programs.used(), time.monotonic() - started
    return {name: (after[name].cpu_s - before[name].cpu_s) / passed_s for name in before}


def _memory(programs: _Programs, minutes: float) -> str:
    """Resident memory over time, and what of it is the history's audio."""
    started, first_clips = time.monotonic(), 0
    times_s: list[float] = []
    readings: list[dict[str, Usage]] = []
    while (passed_s := time.monotonic() - started) < minutes * 60:
        if passed_s >= min(_WARM_S, minutes * 30):
            if not readings:
                first_clips = _clips(programs)
            times_s.append(passed_s)
            readings.append(programs.used())
        time.sleep(min(_READ_EVERY_S, minutes * 10))
    lines = [
        f"Resident memory, {len(readings)} readings from {times_s[0] / 60:.1f} to "
        f"{times_s[-1] / 60:.1f} minutes",
        "",
        "| | first | last | least squares | threads | descriptors |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("headless", "window"):
        all_mb = [reading[name].resident_mb for reading in readings]
        slope = np.polyfit(np.array(times_s) / 3600, all_mb, 1)[0]
        first, last = readings[0][name], readings[-1][name]
        lines.append(
            f"| {name} | {all_mb[0]:.1f} MB | {all_mb[-1]:.1f} MB | {slope:+.1f} MB an hour "
            f"| {first.threads}, {last.threads} | {first.descriptors}, {last.descriptors} |"
        )
    added = _clips(programs) - first_clips
    lines += [
        "",
        f"Of the window's growth, the audio of {added} detections in its history (at most "
        f"{_KEPT_CLIPS}): {added * _CLIP_MB:.1f} MB.",
    ]
    return "\n".join(lines)


def _clips(programs: _Programs) -> int:
    """Clips in the window's history: both programs decide alike, and one of them prints."""
    return min(_KEPT_CLIPS, len(programs.detections.read_text().splitlines()))
