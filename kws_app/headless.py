"""The console: detections as text or JSON lines; SIGINT and SIGTERM end it cleanly."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.audio.file import FileSource
from engine.audio.microphone import MicrophoneSource, list_input_devices
from engine.audio.paced import PacedSource
from engine.audio.source import Source
from engine.audio.stdin import StdinSource
from engine.backends import ChosenBackend, choose_backend
from engine.config import DecisionConfig
from engine.consumers import EventQueue
from engine.errors import BackendError, ConfigError
from engine.manifest import ModelManifest, load_manifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import BackendChanged, Event, Gap, Heard, Started, Stopped, StreamStats
from kws_app.actions.action import Action
from kws_app.actions.wiring import make_runner
from kws_app.build_progress import BuildProgress
from kws_app.outputs import Outputs
from kws_app.settings import Settings, decision_for
from kws_app.streams import emit, say

_POLL_S = 0.2


def run_headless(settings: Settings, actions: Sequence[Action] = ()) -> None:
    """Listen until the input ends, a limit is reached or a signal comes.

    Args:
        settings: The merged settings.
        actions: What keywords do, if `settings.actions` has them on.

    Raises:
        KwsError: Anything that went wrong, by kind.
        BrokenPipeError: Nobody reads stdout any more.
    """
    manifest = load_manifest(settings.model)
    decision = decision_for(settings, manifest)
    source = make_source(settings, manifest.fbank.sample_rate_hz)
    progress = BuildProgress(quiet=settings.quiet)
    chosen = _choose_backend(settings, manifest, source.is_live, progress)
    queue = EventQueue(drop_oldest=source.is_live)
    outputs = Outputs(settings, manifest, decision, source)
    level = -1 if settings.quiet else settings.verbose
    runner = make_runner(settings.actions, actions, manifest, say, level=level)

    def see(scored: ScoredWindow) -> None:
        outputs.see(scored)
        for detection in scored.detections:
            runner.put(detection)

    pipeline = Pipeline(
        source,
        manifest,
        chosen,
        decision,
        [queue],
        stop_rule=_stop_rule(settings, manifest),
        on_audio=outputs.hear,
        on_window=see,
    )
    # Signals outermost: a second Ctrl-C must not cut off the writing of the files.
    with _signals_call(pipeline.stop), outputs, runner:
        _consume(pipeline, queue, Printer(settings, manifest, decision))


def _choose_backend(
    settings: Settings, manifest: ModelManifest, live: bool, progress: BuildProgress
) -> ChosenBackend:
    try:
        return choose_backend(settings.backend, manifest, live=live, on_build=progress.show)
    except BackendError as err:
        # Nothing has run yet: what was asked for is not here.
        raise ConfigError(f"--backend {settings.backend}: {err}") from err


def make_source(settings: Settings, model_rate_hz: int) -> Source:
    """The source that the settings name."""
    if settings.input is None:
        return MicrophoneSource(
            settings.device, model_rate_hz, rate_hz=settings.rate, channels=settings.channels
        )
    source: Source
    if settings.input == "-":
        if sys.stdin is None:
            raise ConfigError("standard input is closed; --input - reads audio from it")
        source = StdinSource(
            sys.stdin.buffer,
            rate_hz=settings.rate or 16_000,
            channels=settings.channels or 1,
            model_rate_hz=model_rate_hz,
        )
    else:
        source = FileSource(Path(settings.input), model_rate_hz)
    return PacedSource(source, model_rate_hz) if settings.realtime else source


def print_devices(*, as_json: bool) -> None:
    """List the input devices on stdout; raises DeviceError without PortAudio."""
    devices = list_input_devices()
    if as_json:
        for device in devices:
            emit(json.dumps({"v": 1, "event": "device", "time_s": 0.0, **asdict(device)}))
    else:
        for device in devices:
            mark = "*" if device.is_default else " "
            emit(
                f"{mark} {device.index:3d}  {device.name}  [{device.host_api}]  "
                f"{device.channels} ch  {device.default_rate_hz} Hz"
            )
        if not devices:
            emit("no input device")


class Printer:
    """Writes events to stdout, and what is not data to stderr."""

    def __init__(
        self, settings: Settings, manifest: ModelManifest, decision: DecisionConfig
    ) -> None:
        self._settings = settings
        self._manifest = manifest
        self._keywords = list(decision.operating_points)
        self._rate_hz = manifest.fbank.sample_rate_hz

    def show(self, event: Event) -> None:
        """Write one event; raises BrokenPipeError when nobody reads."""
        if self._settings.json:
            emit(json.dumps({"v": 1, **self._as_json(event)}))
        elif isinstance(event, Heard):
            detection = event.detection
            time_s = detection.end_sample / self._rate_hz
            emit(f"{time_s:9.2f} s  {detection.keyword:<12} {detection.score:.2f}")
        else:
            self._say(event)

    def _say(self, event: Event) -> None:
        level = self._settings.verbose - (10 if self._settings.quiet else 0)
        if isinstance(event, Started) and level >= 0:
            say(f"listening to {event.source} with {self._manifest.name} ({event.backend})")
            if level >= 1:
                say(f"backend: {event.backend_reason}; keywords: {' '.join(self._keywords)}")
        elif isinstance(event, BackendChanged) and level >= 0:
            say(f"{event.backend} scores from here on: {event.backend_reason}")
        elif isinstance(event, Gap) and level >= 0:
            say(f"lost {event.lost_samples} samples: {event.reason}")
        elif isinstance(event, StreamStats) and level >= 1:
            say(_summary(event, self._rate_hz))
        elif isinstance(event, Stopped) and level >= 0 and event.stats.end_sample > 0:
            say(f"{event.reason}: {_summary(event.stats, self._rate_hz)}")
            if event.stats.windows == 0 and event.reason == "end of input":
                window_s = self._manifest.windows.window_samples / self._rate_hz
                say(f"too short to hear anything: the model needs {window_s:g} s of audio")

    def _as_json(self, event: Event) -> dict[str, Any]:
        match event:
            case Started():
                manifest = self._manifest
                return {
                    "event": "start",
                    "time_s": 0.0,
                    "source": event.source,
                    "sample_rate": event.sample_rate_hz,
                    "model": manifest.name,
                    "model_sha256": manifest.model_sha256,
                    "backend": event.backend,
                    "backend_reason": event.backend_reason,
                    "keywords": self._keywords,
                    "hop_s": manifest.windows.hop_samples / self._rate_hz,
                }
            case Heard(detection=detection):
                return {
                    "event": "detection",
                    "time_s": detection.end_sample / self._rate_hz,
                    "keyword": detection.keyword,
                    "score": round(detection.score, 6),
                    "threshold": detection.threshold,
                    "latency_ms": round(event.latency_ms, 3),
                }
            case BackendChanged():
                return {
                    "event": "backend",
                    "time_s": event.end_sample / self._rate_hz,
                    "backend": event.backend,
                    "backend_reason": event.backend_reason,
                }
            case Gap():
                return {
                    "event": "gap",
                    "time_s": event.end_sample / self._rate_hz,
                    "lost_samples": event.lost_samples,
                    "reason": event.reason,
                }
            case StreamStats():
                return {
                    "event": "stats",
                    "time_s": event.end_sample / self._rate_hz,
                    "windows": event.windows,
                    "skipped": event.skipped_windows,
                    "overflows": event.overflows,
                    "lost_samples": event.lost_samples,
                    "dropped_events": event.dropped_events,
                    "capture_ms": _p50_p99(event.capture_ms),
                    "feature_ms": _p50_p99(event.feature_ms),
                    "inference_ms": _p50_p99(event.inference_ms),
                    "total_ms": _p50_p99(event.total_ms),
                    "last_window_age_s": round(event.last_window_age_s, 3),
                }
            case Stopped(stats=stats):
                return {
                    "event": "stop",
                    "time_s": stats.end_sample / self._rate_hz,
                    "reason": event.reason,
                    "windows": stats.windows,
                    "detections": stats.detections,
                    "audio_s": stats.end_sample / self._rate_hz,
                    "wall_s": round(event.wall_s, 3),
                }


def _p50_p99(pair: tuple[float, float]) -> dict[str, float]:
    return {"p50": round(pair[0], 3), "p99": round(pair[1], 3)}


def _summary(stats: StreamStats, rate_hz: int) -> str:
    text = (
        f"{stats.end_sample / rate_hz:.1f} s of audio, {stats.windows} windows, "
        f"{stats.detections} detections"
    )
    losses = {
        "skipped windows": stats.skipped_windows,
        "overflows": stats.overflows,
        "lost samples": stats.lost_samples,
        "dropped events": stats.dropped_events,
    }
    return text + "".join(f", {count} {name}" for name, count in losses.items() if count)


def _stop_rule(settings: Settings, manifest: ModelManifest) -> StopRule:
    rate_hz = manifest.fbank.sample_rate_hz
    samples = None if settings.duration is None else round(settings.duration * rate_hz)
    return StopRule(samples=samples, detections=settings.max_detections)


def _consume(pipeline: Pipeline, queue: EventQueue, printer: Printer) -> None:
    """Print events until the last one; raises what ended the pipeline."""
    pipeline.start()
    try:
        while True:
            event = queue.get(_POLL_S)
            if event is None:
                continue
            printer.show(event)
            if isinstance(event, Stopped):
                break
    finally:
        # Also when printing failed: nobody may wait for a queue that is not read any more.
        pipeline.stop()
        queue.close()
        pipeline.join(timeout_s=10)


@contextlib.contextmanager
def _signals_call(stop: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop`; the old handlers come back afterwards."""
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop()) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
