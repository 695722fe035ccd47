"""How a device's samples lie in time: its drift, and samples that it lost without a word.

A callback comes late, never early, so the least delay of half a second shows where the samples
truly lie against the monotonic clock. A device whose clock drifts moves that delay slowly; one that
loses samples moves it at once, and for good. A sound server that lengthens its queue moves it at
once, too, and takes that back later, at once or slowly: a delay that rises to where it has been
counts once, so time is off by at most one such queue. The system's clock may be set meanwhile:
nothing here looks at it.
"""

from __future__ import annotations

from collections import deque

import numpy as np

_INTERVAL_S = 0.5
_MOST_INTERVALS = 1_200  # ten minutes
_FIT_S = 60.0
_RATE_INTERVALS = 20
_ALIKE, _ALIKE_AT_ANOTHER_RATE = 2, 5
_MOST_UNSTEADY = 4  # else it may be a rate near the limit, which is seen now and then
_SPAN_INTERVALS = 60
_MOST_DRIFT = 1e-3  # of a clock; crystals stay far below
_WRONG_RATE = 0.02
# No rate that passes for a drift does the first; latencies of a sound server wander by less than
# the last, in which small losses add up.
_STEP_S, _SAME_S, _LOSS_S = 0.05, 0.02, 0.1
_OVERFLOW_S = 0.005


class SampleClock:
    """Follows one stream.

    Attributes:
        drift_ppm: How much faster than its rate the device runs; None for a minute.
        measured_rate_hz: Samples a second that truly come, where that is another rate than the
            stream was opened at; None else.

    Args:
        rate_hz: Rate that it was opened at.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._times_s: deque[float] = deque(maxlen=_MOST_INTERVALS)
        self._delays_s: deque[float] = deque(maxlen=_MOST_INTERVALS)
        self.drift_ppm: float | None = None
        self.measured_rate_hz: int | None = None
        self._least_s: float | None = None
        self._interval_ends_s: float | None = None
        # Up to where the delay is accounted for, and by how much steps have raised it since.
        self._base_s: float | None = None
        self._based_at_s = self._risen_s = 0.0
        self._unsteady = 0  # intervals since the newest ones were alike
        # By how much earlier delays were moved for losses that were said, and not seen yet; and
        # whether one was said in this interval.
        self._unsettled_s, self._is_said = 0.0, False

    def add(self, end_sample: int, at_s: float, *, overflowed: bool = False) -> int:
        """Take a look at the stream.

        Args:
            end_sample: Samples delivered so far.
            at_s: Monotonic time at which the last of them was delivered.
            overflowed: Whether the device has reported lost input since the last look.

        Returns:
            Samples that were lost, as is known from now on.
        """
        delay_s = at_s - end_sample / self._rate_hz
        if self._interval_ends_s is None:
            self._interval_ends_s = at_s + _INTERVAL_S
        lost_s = self._said_lost_s(delay_s) if overflowed else 0.0
        if at_s >= self._interval_ends_s:
            if self._least_s is not None:
                self._settle(self._least_s)
                self._times_s.append(at_s)
                self._delays_s.append(self._least_s)
                lost_s += self._lost_s()
                self._fit()
            self._least_s = None
            self._interval_ends_s = at_s + _INTERVAL_S
        self._least_s = delay_s if self._least_s is None else min(self._least_s, delay_s)
        return round(lost_s * self._rate_hz)

    def _said_lost_s(self, delay_s: float) -> float:
        """What the device has lost, as it says with a callback that is late itself.

        By how much it was late shows later. It counts meanwhile, and is taken off the next loss.
        """
        known = [self._least_s] if self._least_s is not None else []
        known += [self._delays_s[-1]] if self._delays_s else []
        if not known or (step_s := delay_s - min(known)) < _OVERFLOW_S:
            return 0.0
        self._move(step_s)
        if self._least_s is not None:
            self._least_s += step_s
        self._unsettled_s += step_s
        self._is_said = True
        lost_s = step_s if self._base_s is None else min(step_s, delay_s - self._base_s)
        if lost_s < _OVERFLOW_S:
            return 0.0
        if self._base_s is not None:
            self._base_s += lost_s
        return lost_s

    def _settle(self, least_s: float) -> None:
        """By how much less the delay has risen than the device's word made it seem."""
        if self._delays_s:
            self._move(-min(self._unsettled_s, max(0.0, self._delays_s[-1] - least_s)))
        if not self._is_said:  # a whole interval has shown it
            self._unsettled_s = 0.0
        self._is_said = False

    def _lost_s(self) -> float:
        """What is known to be lost with the newest interval."""
        if self._base_s is None:
            self._base_s, self._based_at_s = self._delays_s[-1], self._times_s[-1]
        self._follow_drift()
        self._risen_s = max(0.0, self._risen_s + self._step_s())
        lost_s = min(self._risen_s, self._delays_s[-1] - self._base_s)
        if lost_s <= _LOSS_S:
            return 0.0
        self._base_s, self._risen_s = self._delays_s[-1], 0.0
        return lost_s

    def _follow_drift(self) -> None:
        """Move what is accounted for as most of ten minutes show that the clock drifts.

        A queue that is drained for a part of the time bends a straight line, not the median.
        """
        if self._base_s is None or len(self._times_s) < 2 * _SPAN_INTERVALS:
            return
        times_s, delays_s = np.array(self._times_s), np.array(self._delays_s)
        later, earlier = slice(_SPAN_INTERVALS, None), slice(None, -_SPAN_INTERVALS)
        rises_s = delays_s[later] - delays_s[earlier]
        slope = float(np.median(rises_s / (times_s[later] - times_s[earlier])))
        if abs(slope) <= _MOST_DRIFT:
            self._base_s += slope * (self._times_s[-1] - self._based_at_s)
        self._based_at_s = self._times_s[-1]

    def _step_s(self) -> float:
        """By how much the delay rose or fell at once and stayed; earlier delays are moved."""
        self._unsteady += 1
        # Some intervals of a device at another rate are alike by chance, but not many.
        may_be_rate = self.measured_rate_hz is not None or self._unsteady > _MOST_UNSTEADY
        count = _ALIKE_AT_ANOTHER_RATE if may_be_rate else _ALIKE
        if len(self._delays_s) < count:
            return 0.0
        newest_s = [self._delays_s[-place] for place in range(1, count + 1)]
        if max(newest_s) - min(newest_s) >= _SAME_S:
            return 0.0
        # Several losses may follow each other before it stays.
        last_steady = max(0, len(self._delays_s) - 1 - self._unsteady)
        self._unsteady = 0
        step_s = newest_s[0] - self._delays_s[last_steady]
        if abs(step_s) <= _STEP_S:
            return 0.0
        for index in range(len(self._delays_s) - count):
            is_between = index > last_steady
            self._delays_s[index] = newest_s[-1] if is_between else self._delays_s[index] + step_s
        return step_s

    def _fit(self) -> None:
        times_s = np.array(self._times_s) - self._times_s[0]
        delays_s = np.array(self._delays_s)
        if times_s[-1] >= _FIT_S:
            self.drift_ppm = -1e6 * float(np.polyfit(times_s, delays_s, 1)[0])
        if len(times_s) >= _RATE_INTERVALS:
            newest = slice(-_RATE_INTERVALS, None)
            # The median: one step is no rate.
            slope = float(np.median(np.diff(delays_s[newest]) / np.diff(times_s[newest])))
            is_wrong = abs(slope) > _WRONG_RATE
            self.measured_rate_hz = round((1 - slope) * self._rate_hz) if is_wrong else None

    def _move(self, step_s: float) -> None:
        """Earlier delays are others, for a known reason."""
        for index in range(len(self._delays_s)):
            self._delays_s[index] += step_s
