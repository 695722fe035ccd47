"""python -m kws_app doctor: can this machine listen, and if not, why."""

from __future__ import annotations

import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from engine.audio.devices import accepted_rates, list_input_devices
from engine.audio.file import FileSource
from engine.audio.microphone import MicrophoneSource
from engine.backends import BACKEND_NAMES, choose_backend, why_not
from engine.errors import ConfigError, DeviceError, KwsError, ModelError
from engine.manifest import ModelManifest, load_manifest
from engine.scorer import StreamScorer
from kws_app.actions.action import Action
from kws_app.actions.wiring import make_runner
from kws_app.arguments import Parser
from kws_app.health import Health
from kws_app.outputs import Outputs
from kws_app.resources import asset
from kws_app.settings import Settings, decision_for, read_command
from kws_app.streams import emit

_LISTEN_S = 1.0
_RATE_HZ = 16_000
_RATES_HZ = (8_000, 16_000, 44_100, 48_000)
_PACKAGES = (
    *("numpy", "onnxruntime", "onnxruntime-gpu", "soundfile", "soxr", "sounddevice"),
    *("platformdirs", "PyQt5", "pyqtgraph", "qtpy", "tomlkit", "paho-mqtt", "python-xlib"),
    *("onnx", "cuda-bindings", "tensorrt", "tensorrt-rtx", "torch"),
)
_SAID = ("yes", "stop", "left", "right", "no")  # in the bundled recording
_QUIET_DB = -90.0
_MARKS = {True: "ok", False: "FAIL", None: "-"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: Its name.
        is_well: Whether it is as it should be; None where nothing depends on it.
        text: What was found.
    """

    what: str
    is_well: bool | None
    text: str


def run(arguments: list[str]) -> None:
    """Look at everything, tell it, and raise the error that keeps this machine from listening.

    Args:
        arguments: What follows `doctor`.

    Raises:
        ConfigError: A flag, a KWS_ variable or the file is refused, as it is by --headless.
        ModelError: The model is refused or hears nothing.
        DeviceError: No microphone can be listened to.
        KwsError: Another thing that it cannot do without.
        BrokenPipeError: Nobody reads stdout any more.
        SystemExit: --help (status 0).
    """
    parser = Parser(
        prog="python -m kws_app doctor",
        description=f"{__doc__} Takes the flags, the variables and the file of --headless; "
        "--json: one object a line.",
        allow_abbrev=False,
    )
    _, others = parser.parse_known_args(arguments)
    command = read_command(["--headless", *others], os.environ)
    settings = command.settings
    failures: list[KwsError] = []

    def tell(finding: Finding) -> None:
        if settings.json:
            emit(json.dumps({"v": 1, "event": "finding", **asdict(finding)}))
        else:
            emit(f"{_MARKS[finding.is_well]:<4}  {finding.what:<10} {finding.text}")

    def look(what: str, check: Callable[[], Iterator[Finding]]) -> None:
        try:
            for finding in check():
                tell(finding)
        except KwsError as err:
            tell(Finding(what=what, is_well=False, text=str(err)))
            failures.append(err)

    look("program", _program)
    look("folder", _folder)
    look("model", lambda: _model(settings))
    if not any(isinstance(err, ModelError) for err in failures):
        look("settings", lambda: _written(settings, command.actions))
    if settings.input is not None:
        look("input", lambda: _recording(settings.input or ""))
    else:
        look("device", _devices)
        wanted = MicrophoneSource(
            settings.device, _RATE_HZ, rate_hz=settings.rate, channels=settings.channels
        )
        look("microphone", lambda: _microphone("microphone", wanted))
        if settings.fallback_device is not None:
            fallback = MicrophoneSource(settings.fallback_device, _RATE_HZ)
            look("fallback", lambda: _microphone("fallback", fallback))
    if failures:
        raise failures[0]


def _program() -> Iterator[Finding]:
    kws = metadata.version("kws")
    yield _well("program", f"kws {kws}, Python {platform.python_version()}, {platform.platform()}")
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    yield _well("libraries", ", ".join(found))


def _folder() -> Iterator[Finding]:
    """Plans, recordings in the making and crash reports need a place to be written to."""
    folder = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(4096))
    except OSError as err:
        raise KwsError(f"{folder} cannot be written to: {err.strerror}; set TMPDIR") from err
    yield _well("folder", f"{folder} can be written to")


def _model(settings: Settings) -> Iterator[Finding]:
    manifest = load_manifest(settings.model)
    decision_for(settings, manifest)
    sha256 = manifest.model_sha256[:16]
    count = len(manifest.keywords)
    yield _well("model", f"{manifest.name}, {sha256}, {count} keywords, in {manifest.folder}")
    for name in BACKEND_NAMES:
        reason = why_not(name, manifest)
        text = f"{name}: {reason or 'can be used'}"
        yield Finding(what="backend", is_well=None if reason else True, text=text)
    yield _hears(manifest, settings.backend)


def _hears(manifest: ModelManifest, backend: str) -> Finding:
    """Score the bundled recording."""
    chosen = choose_backend(backend, manifest)
    heard, inference_s = [], []
    with (
        chosen.backend as running,
        FileSource(asset("demo.flac"), manifest.fbank.sample_rate_hz) as source,
    ):
        scorer = StreamScorer(manifest, running, manifest.decision)
        while (block := source.read()) is not None:
            for scored in scorer.process(block.samples):
                heard += [detection.keyword for detection in scored.detections]
                inference_s.append(scored.inference_s)
        name = running.name
    # Of another model nobody knows what it should hear there.
    is_ours = manifest.folder.resolve().parent == asset("models").resolve()
    if is_ours and not set(_SAID) <= set(heard):
        raise ModelError(
            f"{manifest.name} on {name} heard {', '.join(heard) or 'nothing'} in the bundled "
            f"recording, which says {', '.join(_SAID)}; install kws again, or take another backend"
        )
    median_ms = 1000 * float(np.median(inference_s))
    return _well(
        "self-test",
        f"{name} heard {', '.join(heard) or 'none of its words'} in the bundled recording; "
        f"{median_ms:.1f} ms a window",
    )


def _devices() -> Iterator[Finding]:
    for device in list_input_devices():
        rates = ", ".join(str(rate) for rate in accepted_rates(device, _RATES_HZ))
        mark = ", the default" if device.is_default else ""
        yield _well(
            "device",
            f"{device.index} {device.name} [{device.host_api}], {device.channels} channels{mark}; "
            f"takes {rates or 'none of the usual rates'} Hz",
        )


def _written(settings: Settings, actions: Sequence[Action]) -> Iterator[Finding]:
    """What is written and done, without writing or doing it."""
    manifest = load_manifest(settings.model)
    source = MicrophoneSource(None, _RATE_HZ)  # never opened
    Outputs(settings, manifest, decision_for(settings, manifest), source)
    Health(settings.health, {})
    make_runner(settings.actions, actions, manifest, lambda _: None, level=-1)
    for name in ("record", "posteriors", "health", "ledger"):
        path: Path | None = getattr(settings, name)
        if path is None:
            continue
        # The ledger makes its folder, with those above it.
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        target = path if name == "ledger" and path.exists() else folder
        if not os.access(target, os.W_OK | os.X_OK):
            raise ConfigError(f"--{name}: {target} cannot be written to; name another folder")
        yield _well(name, f"{path} can be written")
    if actions:
        yield _well("actions", f"{len(actions)} in the settings file; they are {settings.actions}")


def _recording(name: str) -> Iterator[Finding]:
    """Read its beginning; whether all of it is sound shows when it is listened to."""
    if name == "-":
        yield Finding(what="input", is_well=None, text="standard input; it is not read here")
        return
    with FileSource(Path(name), _RATE_HZ) as source:
        source.read()
        yield _well("input", f"{name} at {source.sample_rate_hz} Hz can be read")


def _microphone(what: str, source: MicrophoneSource) -> Iterator[Finding]:
    """Listen for a second: one that is muted opens like any other."""
    peak, samples = 0.0, 0
    with source:
        until = time.monotonic() + _LISTEN_S
        while time.monotonic() < until:
            block = source.read()
            if block is None:
                break
            samples += len(block.samples)
            if len(block.samples):
                peak = max(peak, float(np.abs(block.samples).max()))
        name, rate_hz = source.name, source.sample_rate_hz
    if not samples:
        raise DeviceError(f"{name!r} delivered no audio for {_LISTEN_S:g} s; unplug it, or restart")
    level_db = 20 * math.log10(max(peak, 1e-10))
    if level_db < _QUIET_DB:
        raise DeviceError(
            f"{name!r} delivers silence only; it may be muted, or the system keeps it from programs"
        )
    yield _well(what, f"{name} at {rate_hz} Hz delivers audio, peak {level_db:.0f} dB")


def _well(what: str, text: str) -> Finding:
    return Finding(what=what, is_well=True, text=text)
