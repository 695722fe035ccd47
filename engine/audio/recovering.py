"""A microphone that is lost and comes back, without an end of the stream."""

from __future__ import annotations

import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np

from engine.audio.opening import Device, Opening, Watch
from engine.audio.source import Block, Trouble
from engine.audio.zeros import ZerosWatch
from engine.errors import DeviceError, SourceError

_WAIT_S = 0.2
# For a device that is seen and does not open; how soon one is seen is the watch's matter.
_BACK_OFF_S = (0.25, 0.5, 1.0, 2.0, 4.0)
_JITTER = 0.2  # several programs must not ask a sound server in step
# It is tried all the same: the watch may be mistaken, or hang for another device's server.
_UNSEEN_S = (2.0, 4.0, 8.0, 16.0, 30.0)
# One that was seen and is no use: the fallback is not left for it so soon, and ever less.
_AGAIN_S, _MOST_AGAIN_S = 30.0, 600.0
_LOST_S = 2.0  # of a device that was left for another one, which does not answer


class RecoveringSource:
    """Opens a device again after it was lost, as soon as it is seen; time goes on meanwhile.

    The first opening is not retried: who starts a program with a wrong device wants to know.

    Devices are opened from the list as it is, and listed anew only while the watch can do so, too:
    a sound server that hangs holds up every listing, and with it all other devices.

    Args:
        device: The one that is wanted.
        model_rate_hz: Rate of its blocks.
        watch: Begins to look for devices.
        fallback: Listened to while the other one is not there; None for none.
        clock: Monotonic seconds.
        sleep: Waits for seconds.
    """

    is_live = True

    def __init__(
        self,
        device: Device,
        model_rate_hz: int,
        *,
        watch: Callable[[Sequence[Device]], Watch],
        fallback: Device | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._devices = [device] if fallback is None else [device, fallback]
        self._begin_watch = watch
        self._watch: Watch | None = None
        self._rate_hz = model_rate_hz
        self._clock = clock
        self._sleep = sleep
        self._random = random.Random()
        self._zeros = [ZerosWatch(model_rate_hz) for _ in self._devices]
        self._source: Device | None = None
        self._name = device.name
        self._source_rate_hz = 0
        self._heard_at_s, self._heard_name = 0.0, device.name
        self._which = 0  # that is open, or was at last
        self._is_back = False  # opened again, and nothing has come yet
        self._is_returning = False  # from the fallback
        self._return_at_s = 0.0
        self._again_s = _AGAIN_S
        self._is_lost = False  # and that is told
        self._is_fallback_told = False
        # What is tried before the next wait: which device, and whether the devices are listed anew.
        self._order: deque[tuple[int, bool]] = deque()
        self._rounds = 0
        self._try_at_s = 0.0
        self._watched_at_s = 0.0
        self._opening: Opening | None = None
        self._first_trouble: Trouble | None = None  # what was found at the start

    @property
    def name(self) -> str:
        """The device's name; of one that is lost, as it was."""
        return self._name

    @property
    def sample_rate_hz(self) -> int:
        """Rate that it was opened at last."""
        return self._source_rate_hz

    def __enter__(self) -> Self:
        """Open the device, or else the fallback.

        Raises:
            DeviceError: None is there.
        """
        try:
            self._take(self._devices[0].__enter__(), 0)
        except DeviceError as err:
            if len(self._devices) == 1:
                raise
            try:
                self._take(self._devices[1].again(look_again=False).__enter__(), 1)
            except DeviceError:
                raise err from None
            self._first_trouble = self._fallback_trouble(f"{err}. ")
        else:
            self._check_fallback()
        return self

    def _check_fallback(self) -> None:
        """It may be plugged in later, but who mistypes it must know before it is needed."""
        if len(self._devices) == 1:
            return
        try:
            device, fallback = (one.find() for one in self._devices)
        except DeviceError as err:
            text = f"the fallback device is not there: {err}"
        else:
            if fallback != device:
                return
            # No error: the wanted one may be away, and its name fit the fallback only meanwhile.
            text = f"the fallback device is {device.name!r}, the device itself; name another"
        self._first_trouble = Trouble(kind="no_fallback", text=text)

    def __exit__(self, *exc_info: object) -> None:
        """Close it; one that is being opened is closed when it comes."""
        with contextlib.suppress(SourceError):  # it ends all the same
            if self._opening is not None:
                self._opening.give_up()
            self._close()

    def read(self) -> Block:
        """The next block; an empty one while there is no device.

        Raises:
            SourceError: What no other try would mend.
        """
        if self._source is None:
            return self._look()
        if self._first_trouble is not None:
            trouble, self._first_trouble = self._first_trouble, None
            return replace(_empty(), trouble=trouble)
        if self._may_return():
            self._zeros[self._which].begin_anew()
            self._close()
            # The watch has seen it, so it is the one that is meant, also in an old list.
            self._try((0, False), (0, True), (1, False))
            self._is_returning = True
            return _empty()
        if self._zeros[self._which].wants_reopening():
            reason = f"{self._name!r} delivers nothing but zeros; it is opened anew"
            return self._lose(reason, is_silent=True)
        try:
            block = self._source.read()
        except DeviceError as err:
            return self._lose(str(err))
        return self._heard(block) if block is not None else _empty()

    def _heard(self, block: Block) -> Block:
        if not len(block.samples):
            return block
        ends_at_s = self._clock() - (block.capture_s or 0.0)
        trouble = None
        if self._is_back:
            self._is_back = self._is_returning = self._is_lost = False
            if self._which == 0:
                self._again_s = _AGAIN_S
            block, trouble = self._after_the_gap(block, ends_at_s), self._told_of_fallback()
        self._heard_at_s, self._heard_name = ends_at_s, self._name
        trouble = trouble or self._zeros[self._which].see(block.samples, self._name)
        return block if trouble is None else replace(block, trouble=trouble)

    def _after_the_gap(self, block: Block, ends_at_s: float) -> Block:
        begins_at_s = ends_at_s - len(block.samples) / self._rate_hz
        lost = max(0, round((begins_at_s - self._heard_at_s) * self._rate_hz))
        return replace(
            block,
            lost_samples=block.lost_samples + lost,
            lost_reason="the device was gone",
            device_back=self._name,
        )

    def _told_of_fallback(self) -> Trouble | None:
        """What has changed about it with the device that is back."""
        if self._which > 0 and not self._is_fallback_told:
            return self._fallback_trouble()
        if self._which == 0 and self._is_fallback_told:
            self._is_fallback_told = False
            text = f"{self._name!r} is there again"
            return Trouble(kind="fallback", text=text, is_over=True)
        return None

    def _fallback_trouble(self, why: str = "") -> Trouble:
        self._is_fallback_told = True
        text = f"{why}Listening to {self._name!r} until {self._devices[0].name!r} is there"
        return Trouble(kind="fallback", text=text)

    def _lose(self, reason: str, *, is_silent: bool = False) -> Block:
        was_back = self._is_back
        self._close()
        if not is_silent:
            self._zeros[self._which].begin_anew()
        if was_back:  # it was opened and never heard: as if it had not been there
            self._try_next()
            return _empty()
        # One that is silent is opened anew; in place of one that is gone another one comes first.
        count = len(self._devices)
        first = self._which if is_silent else self._which + 1
        self._try(*(((first + place) % count, False) for place in range(count)))
        self._is_lost = True
        return _empty(lost_device=reason)

    def _try(self, *order: tuple[int, bool]) -> None:
        """Try devices at once."""
        self._order = deque(order)
        self._rounds = 0
        self._try_at_s = 0.0

    def _look(self) -> Block:
        """Begin to open one, or see whether that has come to an end."""
        if not self._is_lost and self._clock() >= self._heard_at_s + _LOST_S:
            self._is_lost = True
            left, wanted = self._heard_name, self._devices[0].name
            return _empty(lost_device=f"{left!r} was left for {wanted!r}, which does not answer")
        if self._opening is None:
            if self._order or self._is_time():
                self._end_watch()
                which, look_again = self._order[0]
                device = self._devices[which]
                self._opening = Opening(partial(device.again, look_again=look_again))
            else:
                self._sleep(_WAIT_S / 4)
            return _empty()
        if not self._opening.wait(_WAIT_S):
            return _empty()
        if self._opening.failure is not None:
            raise self._opening.failure
        opened, self._opening = self._opening.source, None
        if opened is None:
            self._try_next()
        else:
            self._take(opened, self._order[0][0])
            self._is_back = True
        return _empty()

    def _is_time(self) -> bool:
        """Whether to try them all once more: when one has been seen, or after a while."""
        now_s = self._clock()
        if now_s < self._try_at_s:
            return False
        if self._watch is None:
            self._watch, self._watched_at_s = self._begin_watch(self._devices), now_s
        is_seen = self._watch.is_there()
        unseen_s = _UNSEEN_S[min(self._rounds, len(_UNSEEN_S)) - 1]
        if not is_seen and now_s < self._watched_at_s + unseen_s:
            return False
        # As it was first: that needs nothing that hangs.
        self._order = deque((which, False) for which in range(len(self._devices)))
        if is_seen or self._watch.is_listing():
            self._order.insert(1, (0, True))
        return True

    def _take(self, source: Device, which: int) -> None:
        self._source, self._name, self._which = source, source.name, which
        self._source_rate_hz = source.sample_rate_hz
        if not self._heard_at_s:
            self._heard_at_s = self._clock()
        if which == 0:
            self._devices[0] = source  # knows now which one it is
        else:
            self._watch = self._begin_watch(self._devices[:1])

    def _close(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.__exit__(None, None, None)
        self._end_watch()

    def _end_watch(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()

    def _may_return(self) -> bool:
        if self._watch is None or self._clock() < self._return_at_s:
            return False
        return self._watch.is_there()

    def _try_next(self) -> None:
        """The one that was tried is not there."""
        which, _ = self._order.popleft()
        if self._is_returning and which == 0 and (not self._order or self._order[0][0] > 0):
            self._is_returning = False
            self._return_at_s = self._clock() + self._again_s
            self._again_s = min(2 * self._again_s, _MOST_AGAIN_S)
        if not self._order:
            self._wait(_BACK_OFF_S[min(self._rounds, len(_BACK_OFF_S) - 1)])
            self._rounds += 1

    def _wait(self, wait_s: float) -> None:
        self._try_at_s = self._clock() + wait_s * self._random.uniform(1 - _JITTER, 1 + _JITTER)


def _empty(*, lost_device: str = "") -> Block:
    return Block(samples=np.empty(0, np.float32), lost_device=lost_device)
