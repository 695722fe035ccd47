"""Cuts the stream into overlapping windows on a fixed grid."""

from __future__ import annotations

from engine.config import WindowConfig
from engine.ring import RingBuffer
from engine.types import Window


class SlidingWindows:
    """Reads windows of 16 kHz mono samples from a ring.

    Window k covers samples [k * hop, k * hop + window_samples), whatever the blocks were, so that
    the same audio always gives the same windows.

    Args:
        config: Window and hop.
        newest_only: Of several complete windows take only the newest (a live stream that fell
            behind); otherwise take every one in turn (a recording).
    """

    def __init__(self, config: WindowConfig, *, newest_only: bool) -> None:
        self._config = config
        self._newest_only = newest_only
        self._next_end = config.window_samples
        self._skipped = 0  # since the last window that was taken

    @property
    def next_end(self) -> int:
        """Absolute end of the next window."""
        return self._next_end

    def restart_after(self, start: int) -> None:
        """Take no window that begins before absolute sample `start`, because of a gap."""
        hop = self._config.hop_samples
        self._next_end = -(-start // hop) * hop + self._config.window_samples

    def next(self, ring: RingBuffer) -> Window | None:
        """The next window, or None while it is not complete.

        A window that the writer has already replaced counts as skipped, at the next one that is
        taken.
        """
        config = self._config
        while ring.end >= self._next_end:
            complete = (ring.end - self._next_end) // config.hop_samples
            lost = max(0, ring.oldest - (self._next_end - config.window_samples))
            overwritten = -(-lost // config.hop_samples)
            jump = complete if self._newest_only else min(complete, overwritten)
            end = self._next_end + jump * config.hop_samples
            self._skipped += jump
            self._next_end = end + config.hop_samples
            samples = ring.read(end - config.window_samples, config.window_samples)
            if samples is not None:
                skipped, self._skipped = self._skipped, 0
                return Window(samples=samples[:, 0], end_sample=end, skipped_windows=skipped)
            self._skipped += 1
        return None
