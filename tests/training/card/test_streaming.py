"""Misses against alarms, and promises that were made."""

import copy
from dataclasses import replace
from typing import Any

from card_world import World

from training.card.document import Items, Table, all_statements
from training.card.statement import Statement
from training.card.streaming import streaming


def found(
    world: World, change: Any = None, calibration: Any = None
) -> tuple[dict[str, Statement], list]:
    figures = copy.deepcopy(dict(world.records.figures or {}))
    if change:
        change(figures)
    manifest = world.records.manifest
    assert manifest
    provenance = {**manifest.provenance, "calibration": calibration}
    records = replace(world.records, figures=figures)
    sections = streaming(records, replace(manifest, provenance=provenance))
    return all_statements(sections), sections


def test_settings_latency_and_hours(world: World) -> None:
    said, sections = found(world)
    assert said["streaming.latency"].text == "p50 0.17 s, p95 0.37 s (clean)"
    assert said["streaming.hours.speech"].text == (
        "0.500; without any alarm they would prove no better than 5.99 an hour"
    )
    text = said["setting.as shipped, 2 windows"].text
    assert text == "0.6 | 12.0 % | 32.0 % | 8.0 (2.2 to 20.5)"
    assert said["streaming.keyword.yes"].text == (
        "25 | 20.0 % | 8.9 to 39.1 | 48.0 % | 30.0 to 66.5"
    )
    alarms = said["streaming.keyword_alarms"].text
    assert alarms == "speech: yes 3, no 1; noise: none"
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                for row in block.rows:
                    assert row.form.count(" | ") == len(block.head) - 2, row.key


def test_keywords_with_thresholds_of_their_own(world: World) -> None:
    said, _ = found(world, lambda f: f["settings"][0].update(highest_threshold=0.95))
    assert said["setting.as shipped, 2 windows"].text.startswith("0.6 to 0.95 | ")


def test_no_word_was_heard(world: World) -> None:
    said, _ = found(world, lambda f: f["settings"][0]["streams"][0].update(latency_s=None))
    assert not said["streaming.latency"].known


def test_streams_of_backgrounds_alone(world: World) -> None:
    def no_words(figures: dict[str, Any]) -> None:
        figures["by_keyword"] = {}
        figures["curves"] = []
        for setting in figures["settings"]:
            setting["streams"] = setting["streams"][2:]

    said, _ = found(world, no_words)
    assert not said["streaming.keywords"].known
    assert said["setting.as shipped, 2 windows"].text == "0.6 | 8.0 (2.2 to 20.5)"


def test_promises_are_printed_as_they_were_recorded(world: World) -> None:
    promise = {
        "promised_per_day": 1,
        "hours": 72.5,
        "interval": [0.1, 1.5],
        "missed": {"clean": 0.25},
    }
    said, _ = found(world, calibration=promise)
    assert said["calibration.promised_per_day"].text == "1"
    label = said["calibration.promised_per_day"].label
    assert label == "false alarms a day that were promised, at most"
    assert said["calibration.interval"].text == "0.1, 1.5"
    assert said["calibration.missed"].text == "clean 0.25"
    for nothing in (None, {}, "x"):
        said, _ = found(world, calibration=nothing)
        assert not said["calibration"].known


def test_without_figures(world: World) -> None:
    manifest = world.records.manifest
    assert manifest
    sections = streaming(replace(world.records, figures=None), manifest)
    assert all(isinstance(block, Items) for section in sections for block in section.blocks)
    assert not all_statements(sections)["streaming"].known
