"""Events as text for people or as JSON lines."""

from __future__ import annotations

import json
from typing import Any

from engine.config import DecisionConfig
from engine.manifest import ModelManifest
from engine.types import (
    BackendChanged,
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Event,
    Gap,
    Heard,
    Started,
    Stopped,
    StreamStats,
)
from kws_app.settings import Settings
from kws_app.streams import emit, say


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
        if level < 0:
            return
        if isinstance(event, Started):
            say(f"listening to {event.source} with {self._manifest.name} ({event.backend})")
            if level >= 1:
                say(f"backend: {event.backend_reason}; keywords: {' '.join(self._keywords)}")
        elif isinstance(event, StreamStats):
            if level >= 1:
                say(_summary(event, self._rate_hz))
        elif isinstance(event, Stopped):
            self._say_end(event)
        elif not isinstance(event, Heard):
            say(in_words(event))

    def _say_end(self, event: Stopped) -> None:
        if event.stats.end_sample == 0:
            return
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
                    "keeps": [
                        name
                        for name in ("record", "ledger")
                        if getattr(self._settings, name) is not None
                    ],
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
            case DeviceLost():
                return {
                    "event": "device_lost",
                    "time_s": event.end_sample / self._rate_hz,
                    "device": event.device,
                    "reason": event.reason,
                }
            case DeviceBack():
                return {
                    "event": "device_back",
                    "time_s": event.end_sample / self._rate_hz,
                    "device": event.device,
                }
            case DeviceTrouble():
                return {
                    "event": "device_trouble",
                    "time_s": event.end_sample / self._rate_hz,
                    "device": event.device,
                    "kind": event.kind,
                    "reason": event.reason,
                    "is_over": event.is_over,
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
                    "clock_ppm": None if event.clock_ppm is None else round(event.clock_ppm, 1),
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


def in_words(event: BackendChanged | DeviceLost | DeviceBack | DeviceTrouble | Gap) -> str:
    """A line for people."""
    match event:
        case BackendChanged():
            return f"{event.backend} scores from here on: {event.backend_reason}"
        case DeviceLost():
            return f"{event.reason}; looking for it"
        case DeviceBack():
            return f"listening to {event.device}"
        case DeviceTrouble():
            return event.reason
        case Gap():
            return f"lost {event.lost_samples} samples: {event.reason}"


def _p50_p99(pair: tuple[float, float]) -> dict[str, float]:
    return {"p50": round(pair[0], 3), "p99": round(pair[1], 3)}


def _summary(stats: StreamStats, rate_hz: int) -> str:
    text = (
        f"{stats.end_sample / rate_hz:.1f} s of audio, {stats.windows} windows, "
        f"{stats.detections} detection{'' if stats.detections == 1 else 's'}"
    )
    losses = {
        "skipped windows": stats.skipped_windows,
        "overflows": stats.overflows,
        "lost samples": stats.lost_samples,
        "dropped events": stats.dropped_events,
    }
    return text + "".join(f", {count} {name}" for name, count in losses.items() if count)
