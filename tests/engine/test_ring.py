"""Reads are whole and counted, whatever the writer does meanwhile."""

import numpy as np
import pytest

from engine.errors import ConfigError
from engine.ring import RingBuffer


def counting(first: int, n: int, channels: int = 1) -> np.ndarray:
    return np.repeat(np.arange(first, first + n, dtype=np.float32)[:, None], channels, axis=1)


@pytest.mark.parametrize("sizes", [[1], [3, 7, 10], [10], [25, 1]])
def test_what_was_written_is_read(sizes: list[int]) -> None:
    ring = RingBuffer(10)
    written = 0
    for turn in range(40):
        n = sizes[turn % len(sizes)]
        ring.write(counting(written, n))
        written += n
        kept = min(10, written)
        np.testing.assert_array_equal(
            ring.read(written - kept, kept), counting(written - kept, kept)
        )
    assert ring.end == written
    assert ring.oldest == max(0, written - 10)


def test_channels_stay_side_by_side() -> None:
    ring = RingBuffer(5, channels=3)
    block = np.arange(21, dtype=np.float32).reshape(7, 3)
    ring.write(block)
    np.testing.assert_array_equal(ring.read(2, 5), block[2:])


def test_a_read_is_a_copy() -> None:
    ring = RingBuffer(4)
    ring.write(counting(0, 4))
    samples = ring.read(0, 2)
    ring.write(counting(4, 4))
    np.testing.assert_array_equal(samples, counting(0, 2))


class _InFlight(np.ndarray):
    """A block that lets a reader in just as the ring copies it."""

    during = staticmethod(lambda: None)

    def __getitem__(self, key: object) -> np.ndarray:
        _InFlight.during()
        return np.asarray(super().__getitem__(key))


def test_a_reader_in_the_middle_of_a_write_gets_nothing_torn() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 8))
    seen = []
    _InFlight.during = staticmethod(lambda: seen.append((ring.end, ring.read(0, 4))))
    ring.write(counting(8, 3).view(_InFlight))
    assert seen
    # Samples 0 to 2 are being replaced: refused, though the block is not published yet.
    assert all(end == 8 and samples is None for end, samples in seen)
    np.testing.assert_array_equal(ring.read(3, 8), counting(3, 8))


def test_a_writer_in_the_middle_of_a_read_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 8))
    empty = np.empty

    def write_meanwhile(*args: object) -> np.ndarray:
        monkeypatch.setattr("engine.ring.np.empty", empty)
        ring.write(counting(8, 2))
        return empty(*args)

    monkeypatch.setattr("engine.ring.np.empty", write_meanwhile)
    assert ring.read(1, 4) is None
    np.testing.assert_array_equal(ring.read(2, 4), counting(2, 4))


def test_a_reader_left_behind_is_refused_and_memory_stays() -> None:
    ring = RingBuffer(8)
    data = ring._data
    for turn in range(100):
        ring.write(counting(turn * 5, 5))
    assert ring.read(0, 4) is None
    assert ring.oldest == 492
    assert ring._data is data
    assert data.shape == (8, 1)


def test_advance_moves_time_without_samples() -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 4))
    ring.advance(100)
    ring.write(counting(104, 4))
    assert ring.end == 108
    np.testing.assert_array_equal(ring.read(104, 4), counting(104, 4))
    assert ring.read(0, 4) is None


@pytest.mark.parametrize(("start", "n"), [(0, 9), (-1, 2), (3, 3)])
def test_reads_outside_what_is_written_are_errors(start: int, n: int) -> None:
    ring = RingBuffer(8)
    ring.write(counting(0, 5))
    with pytest.raises(ConfigError, match=r"the ring of 8 has been written up to 5"):
        ring.read(start, n)


@pytest.mark.parametrize(("capacity", "channels"), [(0, 1), (1, 0)])
def test_an_empty_ring_is_an_error(capacity: int, channels: int) -> None:
    with pytest.raises(ConfigError, match="must be 1 or more"):
        RingBuffer(capacity, channels)
