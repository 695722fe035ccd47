"""Stands in for the sounddevice module: devices, and streams that the test feeds."""

import builtins
import sys
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


class PortAudioError(Exception):
    """As sounddevice has it."""


class FakeStream:
    """An InputStream whose callback the test calls with one buffer that it uses again."""

    def __init__(self, module: "FakeSounddevice", options: dict[str, Any]) -> None:
        if module.open_error is not None:
            raise module.open_error
        self.module = module
        self.samplerate = float(module.given_rate_hz or options.get("samplerate", 48_000))
        self.callback = options.get("callback")
        self.end = options.get("finished_callback")
        self.latency = 0.25
        self.is_started = self.is_closed = False

    def start(self) -> None:
        self.module.answers.wait()
        self.is_started = True

    def close(self, ignore_errors: bool = True) -> None:
        self.module.answers.wait()
        self.is_closed = True

    def deliver(self, samples: np.ndarray, *, overflow: bool = False) -> None:
        buffer = np.array(samples, np.float32).reshape(len(samples), -1)
        status = SimpleNamespace(input_overflow=overflow)
        assert self.callback is not None
        self.callback(buffer, len(buffer), None, status)
        buffer[:] = 99  # PortAudio uses the same memory for the next block


class FakeSounddevice:
    """Two inputs with the same word in their names, one of them the default, and an output."""

    PortAudioError = PortAudioError

    def __init__(self) -> None:
        self.open_error: Exception | None = None
        self.given_rate_hz: int | None = None
        self.answers = threading.Event()  # cleared, its driver hangs
        self.answers.set()
        self.streams: list[FakeStream] = []
        self.opened: list[dict[str, Any]] = []
        self.played: list[tuple[np.ndarray, int]] = []
        self.scans = 0
        self.default = SimpleNamespace(device=(2, 1))
        self.devices = [
            device("Webcam Mic", 2, 44_100.0),
            device("Speakers", 0, 48_000.0),
            device("USB Mic", 1, 48_000.0),
        ]

    def _terminate(self) -> None:
        assert all(stream.is_closed for stream in self.streams), "this would close an open stream"

    def _initialize(self) -> None:
        self.scans += 1

    def _exit_handler(self) -> None:
        raise AssertionError("only known to atexit")

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}]

    def query_devices(self) -> list[dict[str, Any]]:
        return self.devices

    def check_input_settings(self, *, samplerate: int, **_: Any) -> None:
        if samplerate not in (44_100, 48_000):
            raise PortAudioError("Invalid sample rate")

    def InputStream(self, **options: Any) -> FakeStream:  # noqa: N802  sounddevice's own name
        self.opened.append(options)
        self.streams.append(FakeStream(self, options))
        return self.streams[-1]

    def play(self, samples: np.ndarray, samplerate: int, *, blocking: bool) -> None:
        if self.open_error is not None:
            raise self.open_error
        assert blocking
        self.played.append((samples, samplerate))


def refuse_import(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Importing sounddevice raises this."""
    real_import = builtins.__import__

    def refusing(name: str, *args: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise error
        return real_import(name, *args, **more)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", refusing)


def device(name: str, inputs: int, rate_hz: float) -> dict[str, Any]:
    return {
        "name": name,
        "hostapi": 0,
        "max_input_channels": inputs,
        "default_samplerate": rate_hz,
    }
