"""Owns the scorer thread: source to scorer to consumers, with counted losses and a clean stop."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.audio.source import Block, Source
from engine.backends import BuildCanceledError, ChosenBackend
from engine.config import DecisionConfig
from engine.consumers import EventQueue, FanOut
from engine.detection import require_labels
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow, StreamScorer
from engine.types import (
    BackendChanged,
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Float32,
    Gap,
    Heard,
    Started,
    Stopped,
    StreamStats,
)

_STATS_EVERY_S = 10
_TIMES = 600  # a minute of windows


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """When to end by itself; None means never.

    Attributes:
        samples: After this much audio.
        detections: After this many detections.
    """

    samples: int | None = None
    detections: int | None = None


def _times() -> deque[float]:
    return deque(maxlen=_TIMES)


@dataclass
class _Counters:
    windows: int = 0
    skipped: int = 0
    overflows: int = 0
    lost_samples: int = 0
    detections: int = 0
    capture_s: deque[float] = field(default_factory=_times)
    feature_s: deque[float] = field(default_factory=_times)
    inference_s: deque[float] = field(default_factory=_times)
    total_s: deque[float] = field(default_factory=_times)
    last_window_at: float = 0.0
    clock_ppm: float | None = None


class Pipeline:
    """Runs one source through one model on a thread of its own.

    Args:
        source: Where samples come from; opened and closed on the thread.
        manifest: The model.
        chosen: The backend; entered and left on the thread.
        decision: Smoothing, refractory period and keywords.
        queues: One for each consumer.
        stop_rule: When to end by itself.
        on_audio: Called on the thread with the samples that the model hears, shape [n], and the
            number of samples lost just before them; must be quick.
        on_window: Called on the thread with every scored window; must be quick.
        stats_every_s: How often a live source is reported on, in seconds of audio.
    """

    def __init__(
        self,
        source: Source,
        manifest: ModelManifest,
        chosen: ChosenBackend,
        decision: DecisionConfig,
        queues: Sequence[EventQueue],
        *,
        stop_rule: StopRule | None = None,
        on_audio: Callable[[Float32, int], None] | None = None,
        on_window: Callable[[ScoredWindow], None] | None = None,
        stats_every_s: float = _STATS_EVERY_S,
    ) -> None:
        self._source = source
        self._manifest = manifest
        self._chosen = chosen
        self._decision = decision
        self._fan_out = FanOut(queues)
        self._rule = stop_rule or StopRule()
        self._on_audio = on_audio
        self._on_window = on_window
        self._stats_every_s = stats_every_s
        self._counters = _Counters()
        self._decisions: deque[DecisionConfig] = deque(maxlen=1)  # the newest one counts
        self._stop_asked = threading.Event()
        self._failure: BaseException | None = None
        self._failing = threading.Lock()
        # A driver may hang: who has waited long enough may end the program all the same.
        self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)
        self._started_at = 0.0
        self._end_sample = 0
        self._lost_at: float | None = None  # since when there is no device
        self._backend_name = ""

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs; after `join`, whether that gave up waiting."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether the end has been asked for."""
        return self._stop_asked.is_set()

    @property
    def failure(self) -> BaseException | None:
        """The first error so far; `join` raises it."""
        return self._failure

    def start(self) -> None:
        """Begin listening; failures are raised by `join`."""
        self._thread.start()

    def set_decision(self, decision: DecisionConfig) -> None:
        """Decide otherwise from the next block on; may be called from anywhere.

        Raises:
            ConfigError: A keyword is not among the labels; everything stays as it was.
        """
        require_labels(decision, self._manifest.labels)
        self._decisions.append(decision)

    def stop(self) -> None:
        """Ask the thread to end; may be called often and from anywhere."""
        self._stop_asked.set()
        self._chosen.cancel()

    def fail(self, error: BaseException) -> None:
        """Ask the thread to end because something beside it failed; may be called from anywhere.

        `join` raises the first error, whichever thread it came from.
        """
        with self._failing:
            self._failure = self._failure or error
        self.stop()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end.

        Raises:
            KwsError: What ended the thread, as it was raised there or handed to `fail`.
            TimeoutError: The thread is still running.
        """
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError(f"the scorer thread did not end within {timeout_s} s")
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        self._started_at = time.monotonic()
        reason = "interrupted"
        try:
            # The backend first: a refused model must not open a device.
            with self._chosen.backend as backend, self._source as source:
                self._fan_out.put(
                    Started(
                        source=source.name,
                        sample_rate_hz=source.sample_rate_hz,
                        backend=backend.name,
                        backend_reason=self._chosen.reason_now,
                    )
                )
                self._backend_name = backend.name
                scorer = StreamScorer(
                    self._manifest,
                    backend,
                    self._decision,
                    newest_only=source.is_live,
                    on_audio=self._on_audio,
                )
                reason = self._listen(scorer, source)
        except BuildCanceledError:
            pass  # somebody asked for the end
        except BaseException as err:  # noqa: BLE001  raised again by join
            self.fail(err)
        finally:
            reason = "failed" if self._failure is not None else reason
            wall_s = time.monotonic() - self._started_at
            self._fan_out.put(Stopped(reason=reason, stats=self._stats(), wall_s=wall_s))

    def _listen(self, scorer: StreamScorer, source: Source) -> str:
        """Score until something ends it; returns what did."""
        report_every = round(self._stats_every_s * self._manifest.fbank.sample_rate_hz)
        report_at = report_every
        self._counters.last_window_at = time.monotonic()
        while not self._stop_asked.is_set():
            block = source.read()
            if block is None:
                return "end of input"
            reached = self._take(scorer, block)
            if reached is not None:
                return reached
            if self._is_over_while_lost():
                return "duration"
            if source.is_live and self._end_sample >= report_at:
                self._fan_out.put(self._stats())
                # Once after a gap, however long that was.
                report_at = (self._end_sample // report_every + 1) * report_every
        return "interrupted"

    def _is_over_while_lost(self) -> bool:
        """Whether the time to listen passes while there is no device."""
        if self._lost_at is None or self._rule.samples is None:
            return False
        lost_s = time.monotonic() - self._lost_at
        left = self._rule.samples - self._end_sample
        return lost_s * self._manifest.fbank.sample_rate_hz >= left

    def _take(self, scorer: StreamScorer, block: Block) -> str | None:
        """Score one block; returns why the stream ends here, if it does."""
        handed_over = time.monotonic()
        counters = self._counters
        if self._decisions:
            scorer.set_decision(self._decisions.popleft())
        if block.capture_s is not None:
            counters.capture_s.append(block.capture_s)
        counters.overflows += block.overflows
        self._tell_device(scorer.end_sample, block)
        if block.clock_ppm is not None:
            counters.clock_ppm = block.clock_ppm
        if block.lost_samples:
            scorer.pass_gap(block.lost_samples)
            counters.lost_samples += block.lost_samples
            self._fan_out.put(
                Gap(
                    end_sample=scorer.end_sample,
                    lost_samples=block.lost_samples,
                    reason=block.lost_reason,
                )
            )
        samples = block.samples
        ends_here = False
        if self._rule.samples is not None:
            left = max(0, self._rule.samples - scorer.end_sample)
            ends_here = len(samples) >= left
            samples = samples[:left]
        for scored in scorer.process(samples):
            self._end_sample = scored.posteriors.end_sample
            self._tell_backend()
            self._count(scored, handed_over)
            if self._rule.detections is not None and counters.detections >= self._rule.detections:
                return "max detections"
            if self._stop_asked.is_set():
                return "interrupted"
        self._end_sample = scorer.end_sample
        return "duration" if ends_here else None

    def _tell_device(self, end_sample: int, block: Block) -> None:
        name = self._source.name
        if block.lost_device:
            self._lost_at = time.monotonic()
            lost = DeviceLost(end_sample=end_sample, device=name, reason=block.lost_device)
            self._fan_out.put(lost)
        if block.device_back:
            end_sample += block.lost_samples  # its audio begins after the gap
            self._lost_at = None
            self._counters.clock_ppm = None  # of another stream
            self._fan_out.put(DeviceBack(end_sample=end_sample, device=block.device_back))
        if (trouble := block.trouble) is not None:
            self._fan_out.put(
                DeviceTrouble(
                    end_sample=end_sample,
                    device=name,
                    kind=trouble.kind,
                    reason=trouble.text,
                    is_over=trouble.is_over,
                )
            )

    def _tell_backend(self) -> None:
        """A better backend took over, or one that failed gave way."""
        name = self._chosen.backend.name
        if name != self._backend_name:
            self._backend_name = name
            self._fan_out.put(
                BackendChanged(
                    end_sample=self._end_sample,
                    backend=name,
                    backend_reason=self._chosen.reason_now,
                )
            )

    def _count(self, scored: ScoredWindow, handed_over: float) -> None:
        counters = self._counters
        now = time.monotonic()
        counters.windows += 1
        counters.skipped += scored.skipped_windows
        counters.last_window_at = now
        counters.feature_s.append(scored.feature_s)
        counters.inference_s.append(scored.inference_s)
        counters.total_s.append(now - handed_over)
        if self._on_window is not None:
            self._on_window(scored)
        for detection in scored.detections:
            counters.detections += 1
            self._fan_out.put(Heard(detection=detection, latency_ms=1000 * (now - handed_over)))

    def _stats(self) -> StreamStats:
        counters = self._counters
        return StreamStats(
            end_sample=self._end_sample,
            windows=counters.windows,
            skipped_windows=counters.skipped,
            overflows=counters.overflows,
            lost_samples=counters.lost_samples,
            detections=counters.detections,
            dropped_events=self._fan_out.dropped,
            capture_ms=_p50_p99_ms(counters.capture_s),
            feature_ms=_p50_p99_ms(counters.feature_s),
            inference_ms=_p50_p99_ms(counters.inference_s),
            total_ms=_p50_p99_ms(counters.total_s),
            last_window_age_s=time.monotonic() - counters.last_window_at,
            clock_ppm=counters.clock_ppm,
        )


def _p50_p99_ms(times_s: deque[float]) -> tuple[float, float]:
    if not times_s:
        return 0.0, 0.0
    p50, p99 = np.percentile(times_s, [50, 99]) * 1000
    return float(p50), float(p99)
