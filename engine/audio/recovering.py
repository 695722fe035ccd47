"""A microphone that is lost and comes back, without an end of the stream."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from typing import Self

import numpy as np

from engine.audio.source import Block, Source
from engine.errors import DeviceError

_WAIT_S = 0.2
# Short to the end: who plugs a microphone in again wants to be heard within two seconds.
_BACK_OFF_S = (0.25, 0.5, 1.0, 1.5)
_JITTER = 0.2  # several programs must not ask a sound server in step


class RecoveringSource:
    """Opens a device again and again after it was lost; time goes on meanwhile.

    The first opening is not retried: who starts a program with a wrong device wants to know.

    Args:
        open_device: Makes a source; told whether devices must be listed anew.
        model_rate_hz: Rate of its blocks.
        clock: Monotonic seconds.
        sleep: Waits for seconds.
    """

    is_live = True

    def __init__(
        self,
        open_device: Callable[[bool], Source],
        model_rate_hz: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._open_device = open_device
        self._rate_hz = model_rate_hz
        self._clock = clock
        self._sleep = sleep
        self._random = random.Random()
        self._source: Source | None = open_device(False)
        self._name = self._source.name
        self._source_rate_hz = 0
        self._heard_at_s = 0.0
        self._tries = 0
        self._try_at_s = 0.0
        self._opening: _Opening | None = None

    @property
    def name(self) -> str:
        """The device's name; of one that is lost, as it was."""
        return self._name

    @property
    def sample_rate_hz(self) -> int:
        """Rate that it was opened at last."""
        return self._source_rate_hz

    def __enter__(self) -> Self:
        """Open the device; raises DeviceError."""
        assert self._source is not None  # noqa: S101  made above, entered once
        self._take(self._source.__enter__())
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close it; one that is being opened is closed when it comes."""
        if self._opening is not None:
            self._opening.give_up()
        self._close()

    def read(self) -> Block:
        """The next block; an empty one while there is no device."""
        if self._source is None:
            return self._look()
        try:
            block = self._source.read()
        except DeviceError as err:
            self._close()
            self._tries = 0
            self._wait_for_next()
            return _empty(lost_device=str(err))
        if block is None:
            return _empty()
        if len(block.samples):
            self._heard_at_s = self._clock()
        return block

    def _look(self) -> Block:
        """Begin to open it, or see whether that has come to an end."""
        if self._opening is None:
            if self._clock() >= self._try_at_s:
                self._opening = _Opening(self._open_device)
            self._sleep(_WAIT_S / 4)
            return _empty()
        if not self._opening.wait(_WAIT_S):
            return _empty()
        opened, self._opening = self._opening.source, None
        if opened is None:
            self._wait_for_next()
            return _empty()
        lost_samples = round((self._clock() - self._heard_at_s) * self._rate_hz)
        self._take(opened)
        return Block(
            samples=np.empty(0, np.float32), lost_samples=lost_samples, device_back=opened.name
        )

    def _take(self, source: Source) -> None:
        self._source, self._name = source, source.name
        self._source_rate_hz = source.sample_rate_hz
        self._heard_at_s = self._clock()

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.__exit__(None, None, None)

    def _wait_for_next(self) -> None:
        wait_s = _BACK_OFF_S[min(self._tries, len(_BACK_OFF_S) - 1)]
        self._tries += 1
        self._try_at_s = self._clock() + wait_s * self._random.uniform(1 - _JITTER, 1 + _JITTER)


class _Opening:
    """Opens a device on a thread: a driver may take long, and the stream must answer meanwhile."""

    def __init__(self, open_device: Callable[[bool], Source]) -> None:
        self.source: Source | None = None
        self._open_device = open_device
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
        with contextlib.suppress(DeviceError):  # not there yet
            source = self._open_device(True).__enter__()
            with self._lock:
                if not self._is_given_up:
                    self.source = source
                    return
            source.__exit__(None, None, None)


def _empty(*, lost_device: str = "") -> Block:
    return Block(samples=np.empty(0, np.float32), lost_device=lost_device)
