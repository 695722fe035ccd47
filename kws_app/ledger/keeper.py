"""Keeps the audio of detections and near misses while the program listens.

`hear` and `see` run on the scorer thread: they copy samples and find events. Encoding, the disk and
the lock are the business of a thread behind a bounded queue, so they never delay scoring.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

from engine.audio.source import Source
from engine.config import DecisionConfig
from engine.consumers import BoundedQueue
from engine.manifest import ModelManifest
from engine.ring import RingBuffer
from engine.scorer import ScoredWindow
from engine.types import Detection, Float32
from kws_app.ledger.entries import DETECTION, NEAR_MISS, Entry
from kws_app.ledger.near_misses import NearMiss, NearMisses
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger
from kws_app.pcm import Int16, to_flac, to_pcm

# Before the window: what earlier windows of the smoothing heard, and the beginning of a long word.
_CONTEXT_S = 0.5
# A near miss is known a second after its peak, or when a stalled scorer comes to its next window.
_HISTORY_S = 10
_QUEUE_CLIPS = 64
_POLL_S = 0.1
_BURST = 10
_BURST_S = 60


class BurstLimit:
    """Lets through so many events a minute of audio.

    Args:
        sample_rate_hz: Rate of the model.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._samples = _BURST_S * sample_rate_hz
        self._last: deque[int] = deque(maxlen=_BURST)

    def allows(self, end_sample: int) -> bool:
        """Whether an event at this time may pass; it is counted if so."""
        if len(self._last) == _BURST and end_sample - self._last[0] < self._samples:
            return False
        self._last.append(end_sample)
        return True


class LedgerKeeper:
    """What listens for a ledger.

    Args:
        ledger: Where clips are kept.
        source: Where the audio comes from.
        manifest: The model.
        decision: The keywords and their thresholds.
        near_miss: From this fraction of its threshold on, a keyword that did not fire is kept.
        tell: Takes a line for people.
        on_kept: Called on the writing thread with each entry that is kept, and its id.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        manifest: ModelManifest,
        decision: DecisionConfig,
        near_miss: float,
        tell: Callable[[str], None],
        on_kept: Callable[[Entry], None] = lambda entry: None,
    ) -> None:
        rate_hz = manifest.fbank.sample_rate_hz
        self._ledger = ledger
        self._source = source
        self._manifest = manifest
        self._keywords = list(decision.operating_points)
        self._tell = tell
        self._on_kept = on_kept
        self._decision = decision
        self._rate_hz = rate_hz
        self._near_misses = NearMisses(manifest.labels, decision, near_miss, rate_hz)
        self._burst = BurstLimit(rate_hz)
        self._clip_samples = manifest.windows.window_samples + round(_CONTEXT_S * rate_hz)
        self._history = RingBuffer(self._clip_samples + _HISTORY_S * rate_hz)
        self._start = 0  # of the audio without a gap
        # A recording waits for the disk, a live stream must not.
        self._queue: BoundedQueue[tuple[Entry, Int16]] = BoundedQueue(
            _QUEUE_CLIPS, drop_oldest=source.is_live
        )
        self._kept = dict.fromkeys((DETECTION, NEAR_MISS), 0)
        self._too_many = self._too_late = self._wanted = 0
        self._failure: BaseException | None = None
        self._is_over = threading.Event()
        # Who has waited long enough for another process's lock may end the program all the same.
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)

    def __enter__(self) -> Self:
        """Make the folder and start; raises KwsError before anything is heard."""
        self.begin()
        return self

    def begin(self, lock_wait_s: float | None = None) -> None:
        """The same.

        Args:
            lock_wait_s: How long to wait while another process uses the folder, where that is not
                as long as for each clip: a stream may wait for this one.

        Raises:
            ConfigError: The folder cannot be made, or holds other things.
            KwsError: The disk is full, or another process holds the folder.
        """
        usual_s = self._ledger.lock_wait_s
        if lock_wait_s is not None:
            self._ledger.lock_wait_s = lock_wait_s
        try:
            self._ledger.create(self._keywords)
        finally:
            self._ledger.lock_wait_s = usual_s
        if self._ledger.damage is not None:
            self._tell(self._ledger.damage)
        limits = self._ledger.limits
        self._tell(
            f"keeping the audio of detections and near misses in {self._ledger.folder}"
            + (f", for {limits.days:g} days, at most {limits.megabytes:g} MB" if limits else "")
        )
        self._thread.start()

    def limit(self, limits: Limits) -> None:
        """Keep to other limits from the next clip on; may be called from anywhere."""
        self._ledger.limits = limits

    @property
    def unkept(self) -> int:
        """Clips that were to be kept and are not, or not yet."""
        return self._wanted - sum(self._kept.values())

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take what the model hears.

        Args:
            samples: Shape [n].
            lost_samples: How many are missing before them.

        Raises:
            KwsError: What ended the writing.
        """
        if self._failure is not None:
            raise self._failure
        if lost_samples:
            self._keep_all(self._near_misses.flush())
            self._history.advance(lost_samples)
            self._start = self._history.end
        self._history.write(samples[:, None])

    def see(self, scored: ScoredWindow) -> None:
        """Keep what fired in this window, and near misses whose peak stands by now."""
        if scored.decision is not self._decision:  # thresholds may change while it listens
            self._decision = scored.decision
            self._near_misses.configure(scored.decision)
        for detection in scored.detections:
            self._keep(detection)
        self._keep_all(self._near_misses.update(scored))

    def __exit__(self, kind: object, *exc_info: object) -> None:
        """Write what is still waiting; raises KwsError if something could not be written."""
        self._keep_all(self._near_misses.flush())
        self._is_over.set()
        self._thread.join()
        self._tell(self._summary())
        if self._failure is not None and kind is None:
            raise self._failure

    def _keep_all(self, misses: list[NearMiss]) -> None:
        for miss in misses:
            if self._burst.allows(miss.end_sample):
                self._keep(miss)
            else:
                self._too_many += 1

    def _keep(self, event: Detection | NearMiss) -> None:
        self._wanted += 1
        first = max(self._start, event.end_sample - self._clip_samples)
        samples = self._history.read(first, event.end_sample - first)
        if samples is None:
            self._too_late += 1
            return
        behind_s = (self._history.end - event.end_sample) / self._rate_hz
        entry = Entry(
            utc=datetime.now(UTC) - timedelta(seconds=behind_s),
            time_s=event.end_sample / self._rate_hz,
            keyword=event.keyword,
            kind=NEAR_MISS if isinstance(event, NearMiss) else DETECTION,
            reason=event.reason if isinstance(event, NearMiss) else None,
            score=round(event.score, 6),
            threshold=event.threshold,
            model=self._manifest.name,
            model_sha256=self._manifest.model_sha256,
            source=self._source.name,
        )
        self._queue.put((entry, to_pcm(samples[:, 0])))

    def _write(self) -> None:
        while True:
            is_over = self._is_over.is_set()  # before the look: nothing comes after it
            item = self._queue.get(_POLL_S)
            if item is None:
                if is_over:
                    return
                continue
            entry, pcm = item
            try:
                self._on_kept(self._ledger.add(entry, to_flac(pcm, self._rate_hz)))
            except BaseException as err:  # noqa: BLE001  raised again by hear or at the end
                self._failure = err
                self._queue.close()  # nobody may wait for it any more
                return
            self._kept[entry.kind] += 1

    def _summary(self) -> str:
        text = (
            f"ledger: {self._kept[DETECTION]} detections and {self._kept[NEAR_MISS]} near misses "
            f"kept in {self._ledger.folder}"
        )
        losses = {
            f"near misses above {_BURST} a minute left out": self._too_many,
            "lost on the way to the disk": self._queue.dropped,
            "lost because scoring was too slow": self._too_late,
            "old ones removed": self._ledger.removed,
        }
        return text + "".join(f", {count} {name}" for name, count in losses.items() if count)
