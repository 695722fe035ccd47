"""A recording delivered at the speed of a microphone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

import numpy as np

from engine.audio.source import Block, Source
from engine.types import Float32

_MAX_WAIT_S = 0.2
_BLOCK_S = 0.02


class PacedSource:
    """Holds another source back to real time, and is live like a microphone.

    `hold` and `go_on` may be called on another thread than the one that reads.

    Args:
        source: Anything that is not live.
        model_rate_hz: Rate of its blocks.
        clock: Monotonic seconds.
        sleep: Waits for seconds.
    """

    is_live = True

    def __init__(
        self,
        source: Source,
        model_rate_hz: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._source = source
        self._rate_hz = model_rate_hz
        self._clock = clock
        self._sleep = sleep
        self._pending: Float32 = np.empty(0, np.float32)
        self._delivered = 0
        self._started = 0.0
        self._held_at: float | None = None
        self._lock = threading.Lock()  # guards the two above
        self._finished = False

    @property
    def name(self) -> str:
        """Name of the source within."""
        return self._source.name

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the source within."""
        return self._source.sample_rate_hz

    def __enter__(self) -> Self:
        """Open the source and start the clock."""
        self._source.__enter__()
        self._started = self._clock()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the source."""
        self._source.__exit__(*exc_info)

    def hold(self) -> None:
        """Deliver nothing more for now, without an end."""
        with self._lock:
            if self._held_at is None:
                self._held_at = self._clock()

    def go_on(self) -> None:
        """Go on where `hold` stopped it."""
        with self._lock:
            if self._held_at is not None:
                self._started += self._clock() - self._held_at
                self._held_at = None

    def read(self) -> Block | None:
        """All samples that are due by now: at least 20 ms of them, later more."""
        if self._held_at is not None:
            self._sleep(_MAX_WAIT_S)
            return Block(samples=np.empty(0, np.float32))
        self._fill(self._due() + int(_BLOCK_S * self._rate_hz))
        if len(self._pending) == 0 and self._finished:
            return None
        wanted = self._delivered + min(len(self._pending), int(_BLOCK_S * self._rate_hz))
        wait_s = self._started + wanted / self._rate_hz - self._clock()
        if wait_s > 0:
            self._sleep(min(wait_s, _MAX_WAIT_S))
        # Held meanwhile, less may be due than before.
        count = max(0, min(self._due() - self._delivered, len(self._pending)))
        block, self._pending = self._pending[:count], self._pending[count:]
        self._delivered += count
        return Block(samples=block)

    def _due(self) -> int:
        with self._lock:
            now = self._clock() if self._held_at is None else self._held_at
            return int((now - self._started) * self._rate_hz)

    def _fill(self, until_sample: int) -> None:
        while not self._finished and self._delivered + len(self._pending) < until_sample:
            block = self._source.read()
            if block is None:
                self._finished = True
            else:
                self._pending = np.concatenate([self._pending, block.samples])
