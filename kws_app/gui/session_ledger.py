"""Keeps clips of what the window hears, where the settings ask for it, and takes labels for them.

Begun and ended at any time, and with every stream. `hear` and `see` run on the scorer thread,
everything else on the window's. No Qt.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from engine.audio.source import Source
from engine.config import DecisionConfig
from engine.errors import BusyError, ConfigError, KwsError
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow
from engine.types import Float32
from kws_app.ledger.entries import Entry
from kws_app.ledger.keeper import LedgerKeeper
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger
from kws_app.settings import Settings
from kws_app.streams import say

MAX_NAMED = 100_000  # as many rows as the history has
HOW = "Nothing is kept to label. Settings has a folder for it, or start with --ledger FOLDER."
_ENDED = "No more clips are kept; listening goes on."
# The window answers meanwhile: another process holds a ledger for milliseconds, or it hangs.
_WAIT_S = 0.3
_WRITER_WAIT_S = 10.0
_AGAIN_S = 5.0

_Place = tuple[int, float, str]


class SessionLedger:
    """At most one ledger at a time.

    Attributes:
        problem: Why nothing is kept although it was asked for, or "".
        is_busy: Whether that may pass by itself: another process has the folder.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._again_at_s = 0.0
        self.problem = ""
        self.is_busy = False
        self._lock = threading.Lock()
        self._ending: list[tuple[threading.Thread, LedgerKeeper]] = []
        self._keeper: LedgerKeeper | None = None
        self._folder: Path | None = None
        self._told: Path | None = None
        self._is_new = False
        self._heard_samples = 0
        self._ids: dict[_Place, tuple[Path, str]] = {}
        self._labels: Ledger | None = None
        self._notices: list[str] = []

    @property
    def folder(self) -> Path | None:
        """Where clips are kept at the moment."""
        return self._folder

    @property
    def is_due(self) -> bool:
        """Whether it is time to begin again, since the folder was busy."""
        return self.is_busy and self._clock() >= self._again_at_s

    def begin(
        self,
        settings: Settings,
        source: Source,
        manifest: ModelManifest,
        decision: DecisionConfig,
        stream: int,
    ) -> None:
        """Keep what is heard of a stream from now on, if the settings name a folder.

        Args:
            settings: Folder and limits.
            source: What is listened to.
            manifest: The model.
            decision: What decides at first.
            stream: Its number, so that a detection is found again.

        A folder that cannot be used is told in `problem` and once as a notice.
        """
        self._again_at_s = self._clock() + _AGAIN_S
        self.end()
        before, self.problem, self.is_busy = self.problem, "", False
        if settings.ledger is None:
            self._told = None
            return
        folder, limits = settings.ledger, limits_of(settings)

        def named(entry: Entry) -> None:
            self._name((stream, entry.time_s, entry.keyword), folder, entry.id)

        ledger = Ledger(folder, limits, lock_wait_s=_WAIT_S)
        keeper = LedgerKeeper(
            ledger,
            source,
            manifest,
            decision,
            settings.near_miss,
            (lambda text: None) if settings.quiet else say,
            named,
        )
        try:
            keeper.__enter__()
            ledger.lock_wait_s = _WRITER_WAIT_S
        except KwsError as err:
            self.problem, self.is_busy = str(err), isinstance(err, BusyError)
            if self.problem != before:
                self._notices.append(f"{err}. Nothing is kept; listening goes on.")
            return
        if folder != self._told:
            self._told = folder
            self._notices.append(
                f"Clips of detections and near misses are kept in {folder}, for {limits.days:g} "
                f"days, at most {limits.megabytes:g} MB."
            )
        with self._lock:
            self._keeper, self._folder, self._is_new = keeper, folder, True

    def end(self) -> None:
        """Keep no more; what is waiting is written, if need be later. Losses are a notice."""
        with self._lock:
            keeper, self._keeper, self._folder = self._keeper, None, None
        if keeper is not None:
            self._leave(keeper)

    def close(self, within_s: float) -> None:
        """The same for good: what is not written in time is lost, and told."""
        deadline = time.monotonic() + within_s
        self.end()
        for thread, keeper in self._ending:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive() and keeper.unkept:
                self._tell(f"{clips(keeper.unkept)} not kept: the ledger's folder does not answer.")

    def new_stream(self) -> None:
        """Count the samples of another stream from its beginning."""
        with self._lock:
            self._heard_samples = 0

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take audio on the scorer thread; a full disk ends the keeping, not the listening."""
        with self._lock:
            before = self._heard_samples if self._is_new else 0
            self._is_new = False
            self._heard_samples += lost_samples + len(samples)
            if self._keeper is None:
                return
            try:
                self._keeper.hear(samples, lost_samples + before)
            except KwsError as err:
                self.problem, self.is_busy = str(err), isinstance(err, BusyError)
                keeper, self._keeper, self._folder = self._keeper, None, None
                with contextlib.suppress(KwsError):  # the first error is the one to tell
                    keeper.__exit__(type(err), err, None)
                self._notices.append(f"{err}. {clips(keeper.unkept)} not kept. {_ENDED}")

    def see(self, scored: ScoredWindow) -> None:
        """Take a scored window on the scorer thread."""
        with self._lock:
            if self._keeper is not None and not self._is_new:
                self._keeper.see(scored)

    def set_limits(self, settings: Settings) -> None:
        """Keep to other limits from the next clip on."""
        with self._lock:
            if self._keeper is not None:
                self._keeper.limit(limits_of(settings))

    def label(self, stream: int, time_s: float, keyword: str, label: str) -> None:
        """Say what a detection was, as `kws_app ledger label` does.

        Args:
            stream: Number of its stream.
            time_s: End of its window within that.
            keyword: What fired.
            label: "right", "wrong", or what else the ledger takes.

        Raises:
            ConfigError: No clip of it was kept, or it is gone from the ledger.
            KwsError: It cannot be written.
        """
        found = self._ids.get((stream, time_s, keyword))
        if found is None:
            raise ConfigError(
                "No clip of this one was kept, so there is nothing to label."
                if self._folder is not None
                else HOW
            )
        folder, entry_id = found
        if self._labels is None or self._labels.folder != folder:
            # A ledger is used by one thread at a time.
            self._labels = Ledger(folder, lock_wait_s=_WAIT_S)
        self._labels.label([entry_id], label)

    def take_notices(self) -> list[str]:
        """Lines for people since the last call."""
        with self._lock:
            notices, self._notices = self._notices, []
        return notices

    def _name(self, place: _Place, folder: Path, entry_id: str) -> None:
        self._ids[place] = (folder, entry_id)
        if len(self._ids) > MAX_NAMED:
            del self._ids[next(iter(self._ids))]

    def _leave(self, keeper: LedgerKeeper) -> None:
        """End it on a thread that can be left behind: it may wait for another process."""

        def write_rest() -> None:
            try:
                keeper.__exit__(None, None, None)
            except KwsError as err:
                self._tell(f"{err}. {clips(keeper.unkept)} not kept.")
            else:
                if keeper.unkept:
                    self._tell(f"{clips(keeper.unkept)} not kept: the disk or scoring is too slow.")

        thread = threading.Thread(target=write_rest, name="ledger-end", daemon=True)
        thread.start()
        thread.join(_WAIT_S)
        self._ending = [(other, its) for other, its in self._ending if other.is_alive()]
        if thread.is_alive():
            self._ending.append((thread, keeper))
            if keeper.unkept:
                self._tell(f"{clips(keeper.unkept)} not kept yet: the ledger's folder is busy.")

    def _tell(self, notice: str) -> None:
        with self._lock:
            self._notices.append(notice)


def clips(count: int) -> str:
    """Their number with its verb, for people."""
    return "1 clip is" if count == 1 else f"{count} clips are"


def limits_of(settings: Settings) -> Limits:
    """What a ledger may hold."""
    return Limits(days=settings.ledger_days, megabytes=settings.ledger_mb)


def require_ledger(settings: Settings) -> None:
    """Make the folder that the settings name, if there is none.

    Raises:
        KwsError: It cannot be made, or holds other things.
    """
    if settings.ledger is not None:
        Ledger(settings.ledger, lock_wait_s=_WAIT_S).create(())
