"""Groups are counted by hand; nobody is named."""

import numpy as np
import pytest

from training.evaluation.breakdown import (
    Share,
    alarms_by_keyword,
    by_keyword,
    by_speaker,
    outcomes,
    share_of,
)
from training.evaluation.events import Heard, Matching, Reference, match_events


def said(word: str, at_s: float, speaker: str = "", *, synthetic: bool = False) -> Reference:
    return Reference(
        keyword=word, onset_s=at_s, offset_s=at_s + 0.5, speaker=speaker, synthetic=synthetic
    )


def heard(word: str, at_s: float) -> Heard:
    return Heard(keyword=word, time_s=at_s)


def test_shares() -> None:
    matching = match_events([said("yes", 1), said("no", 3)], [heard("yes", 1.5)])
    share = share_of(outcomes([matching]))
    assert share == Share(missed=1, references=2)
    values = share.as_values()
    assert values["miss_rate"] == 0.5
    assert values["miss_interval"] == [
        pytest.approx(0.0945, abs=1e-3),
        pytest.approx(0.9055, abs=1e-3),
    ]
    assert Share(missed=0, references=0).rate is None


def test_by_keyword_with_what_it_was_taken_for() -> None:
    matching = match_events(
        [said("yes", 1), said("no", 3), said("no", 5)],
        [heard("yes", 1.5), heard("go", 3.4), heard("go", 5.4), heard("yes", 8)],
    )
    rows = by_keyword(matching, ["yes", "no", "up"])
    assert (rows["yes"]["missed"], rows["yes"]["false_alarms"]) == (0, 1)
    assert (rows["no"]["missed"], rows["no"]["taken_for"]) == (2, {"go": 2})
    assert rows["up"]["references"] == 0


def test_alarms_by_keyword_the_most_frequent_first() -> None:
    matching = match_events([said("yes", 1)], [heard("up", 4), heard("go", 6), heard("go", 8)])
    assert list(alarms_by_keyword(matching).items()) == [("go", 2), ("up", 1)]


def people(misses: list[int], words: int) -> Matching:
    """Each person says some words; the first few of them are missed."""
    references, detections = [], []
    for person, missed in enumerate(misses):
        for word in range(words):
            at_s = 100 * person + 3 * word
            references.append(said("yes", at_s, f"p{person}"))
            if word >= missed:
                detections.append(heard("yes", at_s + 0.2))
    return match_events(references, detections)


def test_by_speaker() -> None:
    found = by_speaker([people([0] * 18 + [2, 4], 4)], seed=1)
    assert (found["speakers"], found["min_references"]) == (20, 3)
    assert found["mean"] == pytest.approx(6 / 80)
    assert found["median"] == 0
    assert found["worst_tenth"] == pytest.approx(0.75)
    assert found["worst_tenth_by_chance"] < 0.6
    assert found["rates"] == sorted(found["rates"])
    assert not any("p1" in str(value) for value in found.values())


def test_chance_alone_gives_what_equal_people_give() -> None:
    rng = np.random.default_rng(0)
    found = by_speaker([people(list(rng.binomial(5, 0.3, 300)), 5)], seed=1)
    assert found["worst_tenth"] == pytest.approx(found["worst_tenth_by_chance"], abs=0.05)


def test_people_who_said_little_and_programs_are_left_out() -> None:
    few = match_events([said("yes", 3 * i, "p") for i in range(2)], [])
    programs = match_events([said("yes", 3 * i, "bot", synthetic=True) for i in range(9)], [])
    nobody = match_events([said("yes", 3 * i) for i in range(9)], [])
    assert by_speaker([few, programs, nobody], seed=1) == {"speakers": 0}
    assert by_speaker([few, few], seed=1)["speakers"] == 1
