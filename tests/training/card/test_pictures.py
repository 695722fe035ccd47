"""Pictures are drawn where there are values for them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from card_world import World

from training.card.pictures import draw_pictures
from training.card.records import Records
from training.card.reliability import reliability_of


def test_what_there_are_values_for(world: World, tmp_path: Path) -> None:
    assert set(draw_pictures(world.records, tmp_path)) == {
        *("misses_against_alarms", "conditions", "keywords", "speakers", "confusion_people"),
        "learning_curve",
    }
    assert draw_pictures(Records(), tmp_path / "none") == {}


def test_a_curve_takes_two_rows(world: World, tmp_path: Path) -> None:
    training = world.records.training
    assert training
    records = Records(training=replace(training, log=training.log[:1]))
    assert draw_pictures(records, tmp_path) == {}


def test_reliability_and_the_same_bytes(tmp_path: Path) -> None:
    scores, targets = np.tile([0.9, 0.1], (10, 1)), np.tile([1, 0], (10, 1))
    measured = reliability_of(scores, targets, folder="x", split="validation", speakers="people")
    records = Records(reliability=measured)
    pictures = [draw_pictures(records, tmp_path / name) for name in ("a", "b")]
    assert pictures[0] == pictures[1]
    assert pictures[0]["reliability"].startswith("<svg")
