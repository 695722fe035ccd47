"""Each figure has a limit, and what is beyond it is said with the figure."""

from dataclasses import replace
from typing import Any

import pytest

from training.parity import Parity

SAME = Parity(
    precision="fp16",
    scored_by="torch",
    windows=10_000,
    largest=0.01,
    mean=0.001,
    changed_labels=3,
    decisions=200,
    gained=1,
    lost=1,
    words=400,
    missed=(40, 40),
    hours=0.5,
    alarms=(1, 1),
)


def test_small_changes_pass() -> None:
    assert SAME.failures() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": 0.02}, "mean logit difference 0.02, limit 0.01"),
        ({"mean": 0.2, "precision": "int8"}, "mean logit difference 0.2, limit 0.1"),
        ({"largest": 1.5}, "largest logit difference 1.5, limit 1"),
        ({"changed_labels": 150}, "another highest label in 1.50% of the windows, limit 1%"),
        ({"gained": 4, "lost": 4}, "4.0% of the decisions changed, limit 3%"),
        ({"missed": (40, 46)}, "1.5% more words missed, limit 1%"),
        ({"alarms": (1, 3)}, "2 more alarms, limit 1"),
        ({"mean": float("nan")}, "mean logit difference nan, limit 0.01"),
    ],
)
def test_each_figure_can_fail(change: dict[str, Any], message: str) -> None:
    assert replace(SAME, **change).failures() == [message]


def test_hearing_better_is_no_failure() -> None:
    assert replace(SAME, missed=(40, 38), alarms=(3, 0)).failures() == []


def test_the_manifest_gets_rates_and_people_a_line() -> None:
    values = replace(SAME, missed=(40, 42), alarms=(1, 2)).as_values()
    assert values["miss_rate_float32"] == 0.1
    assert values["miss_rate"] == 0.105
    assert values["false_alarms_per_hour_float32"] == 2
    assert values["false_alarms_per_hour"] == 4
    assert values["windows"] == 10_000
    text = replace(SAME, missed=(40, 42), alarms=(1, 2)).text
    assert "of 400 words 10.0% missed before, 10.5% now" in text
    assert "2.0 false alarms an hour before, 4.0 now" in text
