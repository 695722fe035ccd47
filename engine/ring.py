"""The buffer between the thread that captures samples and the one that reads them."""

from __future__ import annotations

import numpy as np

from engine.errors import ConfigError
from engine.types import Float32


class RingBuffer:
    """Single-writer, single-reader ring addressed by absolute sample index.

    `write` runs in the audio callback: it takes no lock and allocates no sample memory. `read`
    copies out, then checks that the writer did not overtake it meanwhile. Both rely on the order
    in which CPython executes them; a free-threaded build would need a barrier.

    Args:
        capacity: Samples kept.
        channels: Values per sample; data has shape [n, channels].
    """

    def __init__(self, capacity: int, channels: int = 1) -> None:
        if capacity < 1 or channels < 1:
            raise ConfigError(
                f"a ring of {capacity} samples x {channels} channels; both must be 1 or more"
            )
        self._data = np.zeros((capacity, channels), np.float32)
        self._capacity = capacity
        self._claimed = 0
        self._end = 0

    @property
    def capacity(self) -> int:
        """Samples kept."""
        return self._capacity

    @property
    def end(self) -> int:
        """Absolute index after the last whole block written."""
        return self._end

    @property
    def oldest(self) -> int:
        """Absolute index of the oldest sample that no write is replacing."""
        return max(0, self._claimed - self._capacity)

    def write(self, block: Float32) -> None:
        """Append a block.

        Args:
            block: Shape [n, channels]; of a block longer than the ring only the end is kept.
        """
        n = len(block)
        skipped = max(0, n - self._capacity)
        first = (self._end + skipped) % self._capacity
        kept = n - skipped
        head = min(kept, self._capacity - first)
        self._claimed = self._end + n  # before the copy: readers refuse what is in flight
        self._data[first : first + head] = block[skipped : skipped + head]
        self._data[: kept - head] = block[skipped + head :]
        self._end = self._claimed  # after the copy: readers see only whole blocks

    def advance(self, n: int) -> None:
        """Pass over n samples that were lost; the caller must not read them."""
        self._claimed = self._end = self._end + n

    def read(self, start: int, n: int) -> Float32 | None:
        """Copy samples out.

        Args:
            start: Absolute index of the first sample.
            n: How many; start + n must not be beyond `end`.

        Returns:
            Shape [n, channels], or None if the writer has replaced some of them.

        Raises:
            ConfigError: The samples are not written yet, or more than the ring holds.
        """
        if n > self._capacity or start < 0 or start + n > self._end:
            raise ConfigError(
                f"read of samples {start} to {start + n}; the ring of {self._capacity} has been "
                f"written up to {self._end}"
            )
        first = start % self._capacity
        head = min(n, self._capacity - first)
        out = np.empty((n, self._data.shape[1]), np.float32)
        out[:head] = self._data[first : first + head]
        out[head:] = self._data[: n - head]
        if start < self.oldest:  # looked at last: the writer may have come by while we copied
            return None
        return out
