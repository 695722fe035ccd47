"""What is said of hearing is what the figures say."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
from card_world import World, background, missed

from training.card.document import Section, Table, all_statements
from training.card.hearing import MEASURE, hearing
from training.card.records import Records
from training.card.reliability import reliability_of
from training.card.statement import Statement


def found(records: Records) -> dict[str, Statement]:
    return all_statements(hearing(records))


def with_figures(world: World, change: Any) -> Records:
    figures = copy.deepcopy(dict(world.records.figures or {}))
    change(figures)
    return replace(world.records, figures=figures)


def test_clips(world: World) -> None:
    said = found(world.records)
    text = said["clips.people.accuracy"].text
    assert text == "95.0 % (83.5 % to 98.6 %), 38 of 40"
    assert said["clips.people.map"].text == "0.9712"
    assert said["clips.people.label.no"].text == "20 | 100.0 % | 90.0 % | 94.7 %"
    assert said["clips.people.label._unknown_"].text == "0 | 0.0 % | - | -"
    assert said["clips.people.confusion.no.yes"].text == "1 of 20"
    assert "clips.people.confusion.yes.no" not in said


def test_f1_of_nothing_right(world: World) -> None:
    def nothing(figures: dict[str, Any]) -> None:
        row = figures["clips"]["people"]["labels"]["no"]
        row["precision"], row["recall"] = 0.0, 0.0
        figures["clips"]["people"]["d_prime"] = None
        figures["clips"]["people"]["confusion"] = np.diag([0, 0, 20, 20]).tolist()

    said = found(with_figures(world, nothing))
    assert said["clips.people.label.no"].text == "20 | 0.0 % | 0.0 % | 0.0 %"
    assert said["clips.people.d_prime"].text == "not defined"
    assert said["clips.people.confusions"].text == "none in these clips"


def test_places_people_and_alarms(world: World) -> None:
    said = found(world.records)
    assert said["stream.words, 10 dB"].text == "50 | 32.0 % | 20.8 to 45.8 % | 1 | 0"
    assert said["speakers"].text.startswith("10 people with at least 3 words (clean and 10 dB): ")
    assert "worst tenth 60.0 %; chance alone would give the worst tenth 40.0 %" in (
        said["speakers"].text
    )
    assert said["rejection.speech"].text == "4 in 30.0 min: 8.0 an hour (2.2 to 20.5)"
    assert not said["rejection.noise"].known
    assert said["rejection.silence"].text == "0 detections in 3.0 s"
    assert not said["source.programs"].known
    assert "source.people" not in said
    assert said["claims.0"].text == "4 alarms in 0.50 hours mean 52.3 to 491 a day."


def test_people_and_programs_stand_apart(world: World) -> None:
    def programs(figures: dict[str, Any]) -> None:
        figures["by_source"]["programs"] = {"words, clean": missed(1, 20)}

    said = found(with_figures(world, programs))
    assert said["source.programs.words, clean"].text == "20 | 5.0 % | 0.9 to 23.6 %"
    assert said["source.people.words, clean"].text.startswith("50 | 12.0 % | ")
    assert "source.programs" not in said


def test_speakers_that_are_not_known(world: World) -> None:
    said = found(with_figures(world, lambda figures: figures.update(by_speaker={"speakers": 0})))
    assert not said["speakers"].known


def test_streams_without_words(world: World) -> None:
    def only_speech(figures: dict[str, Any]) -> None:
        figures["settings"][0]["streams"] = [background("speech", "speech", 0.5, 4)]
        figures["clips"] = {}

    said = found(with_figures(world, only_speech))
    assert not said["stream"].known
    assert not said["clips"].known
    assert said["rejection.speech"].known


def test_without_figures_the_command_is_named(world: World) -> None:
    said = found(replace(world.records, figures=None))
    for key in ("evaluation.data", "clips", "stream", "speakers", "claims", "rejection.speech"):
        assert said[key].text == MEASURE


def test_posteriors_are_measured_where_there_is_data(world: World) -> None:
    assert "--data DATA" in found(world.records)["reliability.ece"].text
    scores = np.tile([0.9, 0.1], (10, 1))
    targets = np.array([[1, 0]] * 6 + [[0, 1]] * 4)
    measured = reliability_of(
        scores, targets, folder="tones", split="validation", speakers="people"
    )
    said = found(replace(world.records, reliability=measured))
    assert said["reliability.ece"].text == (
        "0.3000, 15 bins, 10 clips of words of people, validation split of tones"
    )
    assert said["reliability.mean"].text == "90.0 % on average; 60.0 % of the clips are right"


def test_rows_fit_their_tables(world: World) -> None:
    for section in hearing(world.records):
        assert isinstance(section, Section)
        for block in section.blocks:
            if isinstance(block, Table):
                for row in block.rows:
                    assert row.form.count(" | ") == len(block.head) - 2, row.key
