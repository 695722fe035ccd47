"""Devices that can be opened once more, and their opening on a thread of its own.

A driver may take long, and the stream must answer meanwhile.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Protocol

from engine.audio.devices import InputDevice
from engine.audio.source import Source
from engine.errors import DeviceError, KwsError


class Device(Source, Protocol):
    """A source that can be opened once more."""

    @property
    def wanted(self) -> str | InputDevice | None:
        """Which one that is, as for `find_input_device`."""

    def find(self) -> InputDevice:
        """As it is listed; raises DeviceError where it is not."""

    def again(self, *, look_again: bool = True) -> Device:
        """Another source of the same device, wherever it is listed then.

        Args:
            look_again: Whether to have the devices listed anew.
        """


class Watch(Protocol):
    """Looks for devices, and disturbs none that is open."""

    def is_there(self) -> bool:
        """Whether one of them has been seen."""

    def is_listing(self) -> bool:
        """Whether devices can be listed anew now: nothing that hangs holds that up."""

    def close(self) -> None:
        """Look no more."""


class Opening:
    """Begins at once.

    Args:
        make: Makes the source; entered and, when it is given up, left on the thread.

    Attributes:
        source: What was opened; None before the end, and where nothing was.
        failure: What no other try would mend.
    """

    def __init__(self, make: Callable[[], Device]) -> None:
        self.source: Device | None = None
        self.failure: KwsError | None = None
        self._make = make
        self._lock = threading.Lock()
        self._is_given_up = False
        self._thread = threading.Thread(target=self._open, name="reopen", daemon=True)
        self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether it has come to an end."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def give_up(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._is_given_up = True
            source, self.source = self.source, None
        if source is not None:
            source.__exit__(None, None, None)

    def _open(self) -> None:
        try:
            source = self._make().__enter__()
        except DeviceError:  # not there yet
            return
        except KwsError as err:
            self.failure = err
            return
        with self._lock:
            if not self._is_given_up:
                self.source = source
                return
        with contextlib.suppress(KwsError):  # nobody is left to tell
            source.__exit__(None, None, None)
