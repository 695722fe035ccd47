"""Tells whoever supervises the program that windows are scored: a file, and systemd's watchdog.

A program that runs and hears nothing goes silent here, too: the time of the last window stands
still, and systemd starts it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from engine.errors import ConfigError
from engine.files import create_plain_file
from engine.scorer import ScoredWindow
from engine.types import (
    BackendChanged,
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Event,
    Started,
    StreamStats,
)
from kws_app.arguments import require_folder
from kws_app.streams import say

_EVERY_S = 1.0
_OF_A_STREAM = frozenset({"zeros", "rate"})  # found anew in the next one
_BEGINNING = '{"v": 1, "last_window_utc": '


class Health:
    """Counts on the scorer thread, remembers events on the consumer's.

    Args:
        path: File that is written anew with scored windows, once a second, and whenever a device
            comes, goes or is of no use; None for none.
        environment: systemd says in it where it listens; usually os.environ.
        not_kept: Names what should be kept of the audio and is not.
        clock: Monotonic seconds.
        now: The wall clock, in UTC.

    Raises:
        ConfigError: The file's folder does not exist, or something else has its name.
    """

    def __init__(
        self,
        path: Path | None,
        environment: Mapping[str, str],
        *,
        not_kept: Callable[[], Sequence[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if path is not None:
            require_folder("--health", path.parent)
            _refuse_what_is_none(path)
        self._path = path
        self._not_kept = not_kept
        self._clock = clock
        self._now = now
        self._notify = _Notifier(environment)
        self._every_s = min(_EVERY_S, self._notify.every_s)
        self._started_s = clock()
        self._due_s = self._started_s
        self._windows = self._skipped = 0
        self._last_window: datetime | None = None
        self._writing = threading.Lock()  # both threads do
        self._is_refused = False
        self._again_s = 0.0
        # All keys from the beginning: it is read on one thread and written to on another.
        self._known: dict[str, Any] = {
            "device": "",
            "backend": "",
            "is_device_lost": False,
            "device_troubles": (),
            "clock_ppm": None,
            "overflows": 0,
            "lost_samples": 0,
        }

    def __enter__(self) -> Self:
        """Nothing is told before the first window."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Say that the silence that follows is wanted; the file goes."""
        self._notify.send("STOPPING=1")
        self._notify.close()
        if self._path is not None:
            for path in (self._path, _aside(self._path)):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)

    def see(self, scored: ScoredWindow) -> None:
        """Take a scored window; for `Pipeline.on_window`."""
        self._windows += 1
        self._skipped += scored.skipped_windows
        if self._windows == 1:
            self._notify.send("READY=1")
        now_s = self._clock()
        if now_s < self._due_s:
            return
        self._due_s = now_s + self._every_s
        self._notify.send("WATCHDOG=1")
        self._last_window = self._now()
        self._write()

    def poll(self) -> None:
        """Try again what could not be written; called often by the consumer."""
        if self._is_refused and self._clock() >= self._again_s:
            self._write()

    def take(self, event: Event) -> None:
        """Remember what an event says; called by the consumer."""
        match event:
            case Started():
                self._known |= {"device": event.source, "backend": event.backend}
            case BackendChanged():
                self._known["backend"] = event.backend
            case DeviceLost():
                self._end_troubles(_OF_A_STREAM)
                self._known["is_device_lost"] = True
                self._write()
            case DeviceBack():
                self._end_troubles(_OF_A_STREAM)
                self._known |= {"device": event.device, "is_device_lost": False}
                self._write()
            case DeviceTrouble():
                self._end_troubles({event.kind})
                if not event.is_over:
                    told = (*self._known["device_troubles"], event.kind)
                    self._known["device_troubles"] = tuple(sorted(told))
                self._write()
            case StreamStats():
                self._known |= {
                    "overflows": event.overflows,
                    "lost_samples": event.lost_samples,
                    "clock_ppm": event.clock_ppm,
                }

    def _end_troubles(self, kinds: Set[str]) -> None:
        known = self._known["device_troubles"]
        self._known["device_troubles"] = tuple(kind for kind in known if kind not in kinds)

    def _write(self) -> None:
        if self._path is None:
            return
        last = self._last_window
        told = {
            "v": 1,
            "last_window_utc": None if last is None else last.isoformat(timespec="milliseconds"),
            "uptime_s": round(self._clock() - self._started_s, 1),
            "windows": self._windows,
            "skipped": self._skipped,
            "not_kept": self._not_kept(),
            **self._known,
        }
        with self._writing:
            self._replace(self._path, json.dumps(told) + "\n")

    def _replace(self, path: Path, text: str) -> None:
        aside = _aside(path)
        try:
            # Not synced: after a power cut it would be wrong anyway.
            with create_plain_file(aside) as file:
                file.write(text.encode())
            aside.replace(path)
        except OSError as err:
            if not self._is_refused:
                say(f"cannot write --health {path}: {err.strerror}; it is tried every second")
            self._is_refused = True
            self._again_s = self._clock() + _EVERY_S
            return
        if self._is_refused:
            say(f"--health {path} is written again")
        self._is_refused = False


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def _refuse_what_is_none(path: Path) -> None:
    """It is replaced, and removed at the end: only what this program wrote, or nothing."""
    try:
        if not path.exists():
            return
        if not path.is_file():
            raise ConfigError(f"--health {path} is there and no file; name another one")
        with path.open("rb") as file:
            found = file.read(len(_BEGINNING))
    except OSError as err:
        raise ConfigError(f"cannot write --health {path}: {err.strerror}") from err
    if found and found != _BEGINNING.encode():
        raise ConfigError(f"--health {path} is a file of something else; name another one")


class _Notifier:
    """systemd's side (sd_notify(3)); does nothing where there is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket: socket.socket | None = None
        self.every_s = float("inf")
        address = environment.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        if watchdog_us.isdecimal() and environment.get("WATCHDOG_PID", str(os.getpid())) == str(
            os.getpid()
        ):
            self.every_s = int(watchdog_us) / 1e6 / 4
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        made.setblocking(False)  # the scorer thread waits for nobody
        try:
            made.connect(address.replace("@", "\0", 1))
        except OSError:
            made.close()
            return
        self._socket = made

    def send(self, text: str) -> None:
        """Tell it; a supervisor that does not listen is its own business."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.send(text.encode())

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
