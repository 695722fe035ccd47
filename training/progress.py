"""Progress that people can read: a bar with the time left on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from training.streams import say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

_LINE_EVERY_S = 10.0


class ProgressReport:
    """Shows how far a long task is, on stderr.

    Args:
        title: What is done.
        total: Units of the whole task; None where nobody knows.
        unit: Name of a unit.
        done: Units done in an earlier run.
    """

    def __init__(self, title: str, total: int | None, *, unit: str = "", done: int = 0) -> None:
        self.title = title
        self.total = total
        self.unit = unit
        self.done = done
        self._first = done
        self._bar: Progress | None = None
        self._started = self._last_line = time.monotonic()

    def __enter__(self) -> ProgressReport:
        self._started = self._last_line = time.monotonic()
        from rich.console import Console

        console = Console(stderr=True)
        if console.is_terminal:
            self._bar = _bar(console)
            self._task = self._bar.add_task(
                self.title, total=self.total, completed=self.done, note=self.unit
            )
            with suppress(OSError):
                self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            with suppress(OSError):
                self._bar.stop()
        elif kind is None:
            self._line("")

    def advance(self, units: int = 1, note: str = "") -> None:
        """Count units; the note stands beside them."""
        self.done += units
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done, note=note or self.unit)
        elif time.monotonic() - self._last_line >= _LINE_EVERY_S:
            self._line(note)

    def say(self, text: str) -> None:
        """Print a line of its own on stdout, above the bar where there is one."""
        if self._bar is None:
            say(text)
            return
        with suppress(OSError):
            self._bar.print(text, markup=False, highlight=False)

    def _line(self, note: str) -> None:
        self._last_line = time.monotonic()
        elapsed_s = self._last_line - self._started
        parts = [f"{self.title}: {self.done} {self.unit}".rstrip()]
        if self.total:
            parts[0] = f"{self.title}: {self.done} of {self.total} {self.unit}".rstrip()
            parts.append(f"{self.done / self.total:.0%}")
        fresh = self.done - self._first
        if self.total and fresh > 0 and self.done < self.total:
            left_s = elapsed_s / fresh * (self.total - self.done)
            parts.append(f"{_clock(left_s)} left")
        else:
            parts.append(_clock(elapsed_s))
        say(", ".join([*parts, *([note] if note else [])]), sys.stderr)


@contextmanager
def report_steps(total: int, done: int, *, quiet: bool) -> Iterator[Callable[[int, str], None]]:
    """Progress of training.

    Args:
        total: Steps of the run.
        done: Steps of earlier runs.
        quiet: Report nothing, for all processes but one.

    Yields:
        A function that takes steps done and a line to print, or "".
    """
    if quiet:
        yield lambda steps, line: None
        return
    with ProgressReport("training", total, unit="steps", done=done) as progress:

        def report(steps: int, line: str) -> None:
            if line:
                progress.say(line)
            progress.advance(steps)

        yield report


def _bar(console: Console) -> Progress:
    from rich import progress

    return progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[note]}"),
        progress.TimeElapsedColumn(),
        progress.TimeRemainingColumn(),
        console=console,
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
