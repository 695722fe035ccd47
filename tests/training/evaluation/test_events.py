"""Events against hand counts."""

import math

import numpy as np
import pytest

from training.evaluation.events import Alarm, Cause, Heard, Reference, match_events

YES = Reference(keyword="yes", onset_s=1.0, offset_s=1.5)
NO = Reference(keyword="no", onset_s=3.0, offset_s=3.5)


def yes(time_s: float) -> Heard:
    return Heard(keyword="yes", time_s=time_s)


@pytest.mark.parametrize("time_s", [1.0, 1.7, 2.25])
def test_a_hit_lies_between_onset_and_750_ms_after_the_offset(time_s: float) -> None:
    found = match_events([YES], [yes(time_s)])
    assert (found.hits, found.missed, found.alarms) == (((YES, yes(time_s)),), (), ())
    assert found.latencies_s == (pytest.approx(time_s - 1.5),)
    assert found.miss_rate == 0


@pytest.mark.parametrize(
    ("detection", "cause"),
    [
        (yes(0.99), Cause.FALSE_ALARM),
        (yes(2.26), Cause.FALSE_ALARM),
        (Heard(keyword="no", time_s=1.6), Cause.SUBSTITUTION),
    ],
)
def test_everything_else_is_a_false_alarm_and_a_miss(detection: Heard, cause: Cause) -> None:
    found = match_events([YES], [detection])
    assert found.missed == (YES,)
    spoken = "yes" if cause is Cause.SUBSTITUTION else ""
    assert found.alarms == (Alarm(heard=detection, cause=cause, spoken=spoken),)
    assert found.miss_rate == 1
    assert found.count(cause) == 1


def test_each_reference_is_matched_once_and_the_second_is_a_duplicate() -> None:
    found = match_events([YES, NO], [yes(1.6), yes(1.8), yes(3.2)])
    assert [alarm.cause for alarm in found.alarms] == [Cause.DUPLICATE, Cause.SUBSTITUTION]
    assert found.missed == (NO,)
    assert found.references == 2


def test_a_word_beside_one_that_was_heard_is_a_plain_false_alarm() -> None:
    found = match_events([YES], [yes(1.6), Heard(keyword="up", time_s=1.7)])
    assert [alarm.cause for alarm in found.alarms] == [Cause.FALSE_ALARM]


def test_two_close_references_take_two_detections_in_order() -> None:
    second = Reference(keyword="yes", onset_s=1.9, offset_s=2.3)
    found = match_events([second, YES], [yes(2.6), yes(2.0)])
    assert (len(found.hits), found.missed, found.alarms) == (2, (), ())
    assert found.latencies_s == (pytest.approx(0.5), pytest.approx(0.3))


def test_a_long_reference_is_not_dropped_for_a_short_one_behind_it() -> None:
    long = Reference(keyword="yes", onset_s=0.0, offset_s=5.0)
    found = match_events([long, NO], [Heard(keyword="no", time_s=3.4), yes(5.5)])
    assert len(found.hits) == 2


def test_the_order_of_what_is_given_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    references = [
        Reference(keyword=rng.choice(["yes", "no"]), onset_s=t, offset_s=t + 0.4)
        for t in np.cumsum(rng.uniform(0.3, 2, 40))
    ]
    heard = [Heard(keyword=rng.choice(["yes", "no"]), time_s=t) for t in rng.uniform(0, 50, 60)]
    found = match_events(references, heard)
    assert match_events(references[::-1], [heard[i] for i in rng.permutation(60)]) == found
    assert len(found.hits) + len(found.alarms) == 60
    assert found.references == 40


def test_nothing_said_has_no_miss_rate() -> None:
    found = match_events([], [])
    assert math.isnan(found.miss_rate)
    assert found.alarms == ()
