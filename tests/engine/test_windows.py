"""Windows stand on a fixed grid; what is passed over is counted."""

import numpy as np
import pytest
from signals import blocks

from engine.config import WindowConfig
from engine.ring import RingBuffer
from engine.windows import SlidingWindows

CONFIG = WindowConfig(window_samples=1_600, hop_samples=320)


def stream(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)[:, None]


@pytest.mark.parametrize("size", [1, 37, 160, 512, 1_600])
def test_every_window_in_turn_at_any_block_size(size: int) -> None:
    ring, windows = RingBuffer(6_400), SlidingWindows(CONFIG, newest_only=False)
    ends = []
    for block in blocks(stream(8_000), [size]):
        ring.write(block)
        while (window := windows.next(ring)) is not None:
            assert window.skipped_windows == 0
            np.testing.assert_array_equal(
                window.samples, np.arange(window.end_sample - 1_600, window.end_sample)
            )
            ends.append(window.end_sample)
    assert ends == list(range(1_600, 8_001, 320))


def test_no_window_before_a_whole_one_exists() -> None:
    ring, windows = RingBuffer(6_400), SlidingWindows(CONFIG, newest_only=False)
    ring.write(stream(1_599))
    assert windows.next(ring) is None
    assert windows.next_end == 1_600


def test_newest_only_skips_and_counts() -> None:
    ring, windows = RingBuffer(6_400), SlidingWindows(CONFIG, newest_only=True)
    ring.write(stream(1_600 + 5 * 320 + 100))
    window = windows.next(ring)
    assert window is not None
    assert (window.end_sample, window.skipped_windows) == (1_600 + 5 * 320, 5)
    assert windows.next(ring) is None


def test_overwritten_windows_are_skipped_and_counted() -> None:
    ring, windows = RingBuffer(2_000), SlidingWindows(CONFIG, newest_only=False)
    ring.write(stream(8_000))
    window = windows.next(ring)
    assert window is not None
    # The oldest sample is 6,000, so the first whole window on the grid begins at 6,080.
    assert window.end_sample == 6_080 + 1_600
    assert window.skipped_windows == 6_080 // 320
    np.testing.assert_array_equal(window.samples, np.arange(6_080, 7_680))


@pytest.mark.parametrize(("start", "first_end"), [(0, 1_600), (1, 1_920), (320, 1_920)])
def test_no_window_spans_a_gap(start: int, first_end: int) -> None:
    windows = SlidingWindows(CONFIG, newest_only=False)
    windows.restart_after(start)
    assert windows.next_end == first_end


def test_windows_that_were_all_overwritten_are_counted_at_the_next_one() -> None:
    config = WindowConfig(window_samples=3, hop_samples=3)
    ring, windows = RingBuffer(3), SlidingWindows(config, newest_only=False)
    ring.write(stream(10))
    assert windows.next(ring) is None
    ring.write(stream(2))
    assert windows.next(ring).skipped_windows == 3
