"""What is written to files while the program listens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from engine.audio.source import Source
from engine.config import DecisionConfig
from engine.errors import ConfigError, KwsError
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow
from engine.types import Float32
from kws_app.ledger.keeper import LedgerKeeper
from kws_app.ledger.output import LedgerOutput
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger
from kws_app.posteriors import PosteriorsFile
from kws_app.recording import Recording
from kws_app.settings import Settings
from kws_app.streams import say


class Outputs:
    """Opens the files that the settings name, and hands them what the pipeline hears and scores.

    Audio that nobody can play again is listened to also when a disk is full: what could not be kept
    is told at once, and is an error at the end. A recording ends there.

    Args:
        settings: Which files.
        manifest: The model.
        decision: The keywords and their thresholds.
        source: Where the audio comes from.

    Raises:
        ConfigError: A file cannot be written where it should be.
    """

    def __init__(
        self,
        settings: Settings,
        manifest: ModelManifest,
        decision: DecisionConfig,
        source: Source,
    ) -> None:
        rate_hz = manifest.fbank.sample_rate_hz
        self._quiet = settings.quiet
        self._goes_on = source.is_live or settings.input == "-"
        self._failures: dict[str, KwsError] = {}
        self._posteriors = self._recording = self._ledger = None
        if settings.posteriors is not None:
            self._posteriors = PosteriorsFile(settings.posteriors, manifest.labels, rate_hz)
        if settings.record is not None:
            _refuse_input(settings.record, settings.input)
            self._record_hours = settings.record_hours
            self._recording = Recording(settings.record, rate_hz, most_hours=self._record_hours)
            self._record_path = settings.record
        if (folder := settings.ledger) is not None:
            limits = Limits(days=settings.ledger_days, megabytes=settings.ledger_mb)

            def keeper() -> LedgerKeeper:
                ledger = Ledger(folder, limits)
                return LedgerKeeper(
                    ledger, source, manifest, decision, settings.near_miss, self._say
                )

            self._ledger = LedgerOutput(keeper, rate_hz, say, goes_on=self._goes_on)

    @property
    def not_kept(self) -> list[str]:
        """Which of them have ended early, or are not kept for now."""
        ledger = ["ledger"] if self._ledger is not None and not self._ledger.is_keeping else []
        return [*self._failures, *ledger]

    def __enter__(self) -> Self:
        """Open them; raises ConfigError before anything is heard if nothing can be kept."""
        with contextlib.ExitStack() as stack:
            if self._posteriors is not None:
                stack.enter_context(self._posteriors)
            if self._recording is not None:
                stack.enter_context(self._recording)
                self._say(
                    f"recording what the model hears to {self._record_path}, "
                    f"at most {self._record_hours:g} h"
                )
            if self._ledger is not None:
                stack.enter_context(self._ledger)
            self._opened = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc_info: Any) -> None:
        """Close them, also after a failure: nothing heard is lost.

        Raises:
            KwsError: Something was not kept.
        """
        self._opened.__exit__(kind, *exc_info)
        failures = list(self._failures.values())
        if self._ledger is not None and self._ledger.failure is not None:
            failures.append(self._ledger.failure)
        if failures and kind is None:
            # Whatever it was, it is no wrong argument: it has begun.
            raise KwsError(str(failures[0])) from failures[0]

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take what the model hears; for `Pipeline.on_audio`."""
        if self._recording is not None and "record" not in self._failures:
            with self._may_fail("record"):
                if self._recording.add(samples, lost_samples):
                    self._say(f"{self._record_path} is full: --record-hours; listening goes on")
        if self._ledger is not None:
            self._ledger.hear(samples, lost_samples)

    def see(self, scored: ScoredWindow) -> None:
        """Take a scored window; for `Pipeline.on_window`."""
        if self._posteriors is not None and "posteriors" not in self._failures:
            with self._may_fail("posteriors"):
                self._posteriors.add(scored)
        if self._ledger is not None:
            self._ledger.see(scored)

    @contextlib.contextmanager
    def _may_fail(self, name: str) -> Iterator[None]:
        try:
            yield
        except KwsError as err:
            if not self._goes_on:
                raise
            self._failures[name] = err
            say(f"{err}; listening goes on")

    def _say(self, text: str) -> None:
        if not self._quiet:
            say(text)


def _refuse_input(record: Path, source: str | None) -> None:
    if source in (None, "-"):
        return
    with contextlib.suppress(OSError):  # one of them is not there
        if record.samefile(source):
            raise ConfigError(f"--record {record} is the file that is read; name another one")
