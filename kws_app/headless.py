"""The console: detections as text or JSON lines; SIGINT and SIGTERM end it cleanly."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from engine.audio.devices import list_input_devices
from engine.audio.file import FileSource
from engine.audio.paced import PacedSource
from engine.audio.source import Source
from engine.audio.stdin import StdinSource
from engine.backends import ChosenBackend, choose_backend
from engine.consumers import EventQueue
from engine.errors import BackendError, ConfigError
from engine.manifest import ModelManifest, load_manifest
from engine.pipeline import Pipeline, StopRule
from engine.scorer import ScoredWindow
from engine.types import DeviceBack, DeviceLost, DeviceTrouble, Event, Stopped
from kws_app import signals
from kws_app.actions.action import Action
from kws_app.actions.wiring import make_runner
from kws_app.build_progress import BuildProgress
from kws_app.crash_guard import ConsoleGuard
from kws_app.health import Health
from kws_app.listening import make_microphone
from kws_app.outputs import Outputs
from kws_app.printer import Printer, in_words
from kws_app.settings import Settings, decision_for
from kws_app.streams import emit, say

_POLL_S = 0.2
_END_S = 5.0


def run_headless(
    settings: Settings, actions: Sequence[Action] = (), guard: ConsoleGuard | None = None
) -> None:
    """Listen until the input ends, a limit is reached or a signal comes.

    Args:
        settings: The merged settings.
        actions: What keywords do, if `settings.actions` has them on.
        guard: Told of the pipeline that ends in order when a thread fails, and of its device.

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
    health = Health(settings.health, os.environ, not_kept=lambda: outputs.not_kept)
    level = -1 if settings.quiet else settings.verbose
    runner = make_runner(settings.actions, actions, manifest, say, level=level)

    def see(scored: ScoredWindow) -> None:
        outputs.see(scored)
        health.see(scored)
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
    if guard is not None:
        guard.watch(pipeline)
    # Signals outermost: a second Ctrl-C must not cut off the writing of the files.
    printer = Printer(settings, manifest, decision)

    def show(event: Event) -> None:
        health.take(event)
        if guard is not None and isinstance(event, DeviceLost | DeviceBack | DeviceTrouble):
            guard.log.warning("%s", in_words(event))
        printer.show(event)

    with signals.call(pipeline.stop), outputs, health, runner:
        _consume(pipeline, queue, show, health.poll)


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
        return make_microphone(settings, model_rate_hz)
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


def _stop_rule(settings: Settings, manifest: ModelManifest) -> StopRule:
    rate_hz = manifest.fbank.sample_rate_hz
    samples = None if settings.duration is None else round(settings.duration * rate_hz)
    return StopRule(samples=samples, detections=settings.max_detections)


def _consume(
    pipeline: Pipeline,
    queue: EventQueue,
    show: Callable[[Event], None],
    idle: Callable[[], None] = lambda: None,
) -> None:
    """Show events until the last one; raises what ended the pipeline.

    A source that does not answer, a pipe without a writer or a hanging driver, is left behind when
    the end is asked for.
    """
    pipeline.start()
    end_by_s = math.inf
    event: Event | None = None
    try:
        while not isinstance(event, Stopped) and time.monotonic() < end_by_s:
            event = queue.get(_POLL_S)
            if event is not None:
                show(event)
            idle()
            if pipeline.is_stopping:
                end_by_s = min(end_by_s, time.monotonic() + _END_S)
    except BaseException as err:  # noqa: BLE001  raised again by join, if it was the first
        pipeline.fail(err)
    # Also when printing failed: nobody may wait for a queue that is not read any more.
    pipeline.stop()
    queue.close()
    if end_by_s < time.monotonic() and pipeline.is_alive:
        if pipeline.failure is not None:
            raise pipeline.failure
        say("the source does not answer; it is left behind")
        return
    pipeline.join(timeout_s=10)
