"""The consumer side: bounded queues that never hide a loss."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from engine.errors import ConfigError
from engine.types import Event

Item = TypeVar("Item")


class BoundedQueue(Generic[Item]):
    """Bounded queue for one consumer.

    Args:
        capacity: Items kept.
        drop_oldest: When full, drop the oldest and count it (a live stream must not wait for its
            consumers); otherwise `put` waits (a recording can).
    """

    def __init__(self, capacity: int = 256, *, drop_oldest: bool) -> None:
        if capacity < 1:
            raise ConfigError(f"a queue of {capacity}; it must hold 1 or more")
        self._items: deque[Item] = deque()
        self._capacity = capacity
        self._drop_oldest = drop_oldest
        self._changed = threading.Condition()
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items that were dropped so far."""
        return self._dropped

    def put(self, item: Item) -> None:
        """Add an item; after `close` it is counted as dropped."""
        with self._changed:
            if not self._drop_oldest:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                self._dropped += 1
                return
            if len(self._items) >= self._capacity:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._changed.notify_all()

    def get(self, timeout_s: float) -> Item | None:
        """The oldest item, or None when none came in time."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._items), timeout_s)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """The consumer is gone: nobody waits for it any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


EventQueue = BoundedQueue[Event]


class FanOut:
    """Hands every event to every consumer's queue."""

    def __init__(self, queues: Sequence[EventQueue]) -> None:
        self._queues = tuple(queues)

    @property
    def dropped(self) -> int:
        """Events dropped by all queues together."""
        return sum(queue.dropped for queue in self._queues)

    def put(self, event: Event) -> None:
        """Add to every queue."""
        for queue in self._queues:
            queue.put(event)
