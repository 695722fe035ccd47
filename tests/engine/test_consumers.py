"""Queues are bounded and count what they drop."""

import threading

import pytest

from engine.consumers import EventQueue, FanOut
from engine.errors import ConfigError
from engine.types import Gap


def gap(number: int) -> Gap:
    return Gap(end_sample=number, lost_samples=1, reason="test")


def numbers(queue: EventQueue) -> list[int]:
    found = []
    while (event := queue.get(0)) is not None:
        found.append(event.end_sample)
    return found


def test_events_come_out_in_order() -> None:
    queue = EventQueue(drop_oldest=True)
    for number in range(5):
        queue.put(gap(number))
    assert numbers(queue) == [0, 1, 2, 3, 4]
    assert queue.dropped == 0


def test_a_live_queue_drops_the_oldest_and_counts() -> None:
    queue = EventQueue(3, drop_oldest=True)
    for number in range(10):
        queue.put(gap(number))
    assert queue.dropped == 7
    assert numbers(queue) == [7, 8, 9]


def test_a_recordings_queue_waits_for_its_consumer() -> None:
    queue = EventQueue(2, drop_oldest=False)
    done = threading.Event()

    def produce() -> None:
        for number in range(50):
            queue.put(gap(number))
        done.set()

    threading.Thread(target=produce, daemon=True).start()
    assert not done.wait(0.05)
    found = []
    while len(found) < 50:
        event = queue.get(5)
        assert event is not None
        found.append(event.end_sample)
    assert found == list(range(50))
    assert done.wait(5)
    assert queue.dropped == 0


def test_nobody_waits_for_a_closed_queue() -> None:
    queue = EventQueue(1, drop_oldest=False)
    queue.put(gap(0))
    released = threading.Event()

    def produce() -> None:
        queue.put(gap(1))
        released.set()

    threading.Thread(target=produce, daemon=True).start()
    assert not released.wait(0.05)
    queue.close()
    assert released.wait(5)
    queue.put(gap(2))
    assert queue.dropped == 2


def test_an_empty_queue_gives_none_in_time() -> None:
    assert EventQueue(drop_oldest=True).get(0.01) is None


def test_a_waiting_consumer_is_woken() -> None:
    queue = EventQueue(drop_oldest=True)
    threading.Timer(0.05, queue.put, [gap(7)]).start()
    event = queue.get(10)
    assert event is not None
    assert event.end_sample == 7


def test_fan_out_serves_every_queue_and_adds_up_losses() -> None:
    slow, fast = EventQueue(1, drop_oldest=True), EventQueue(9, drop_oldest=True)
    fan_out = FanOut([slow, fast])
    for number in range(4):
        fan_out.put(gap(number))
    assert numbers(fast) == [0, 1, 2, 3]
    assert numbers(slow) == [3]
    assert fan_out.dropped == 3


def test_a_queue_must_hold_something() -> None:
    with pytest.raises(ConfigError, match="it must hold 1 or more"):
        EventQueue(0, drop_oldest=True)
