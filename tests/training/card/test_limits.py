"""Limits come from the figures; what is said of every model is true of the program."""

import ast
import copy
from dataclasses import replace
from typing import Any

from card_world import World
from program import ROOT

from training.card.document import all_statements
from training.card.limits import limits
from training.card.statement import Statement

# Whatever could open a connection.
# One asks the display whether it is there, the other wakes its own loop up.
LOCAL_SOCKETS = {"display.py", "health.py", "shell.py"}
NETWORK = {"socket", "ssl", "http", "urllib", "requests", "httpx", "asyncio", "ftplib", "smtplib"}


def found(world: World, change: Any = None, **parts: Any) -> dict[str, Statement]:
    records = replace(world.records, **parts)
    if change:
        figures = copy.deepcopy(dict(records.figures or {}))
        change(figures)
        records = replace(records, figures=figures)
    assert records.manifest
    return all_statements(limits(records, records.manifest))


def test_the_worst_is_named(world: World) -> None:
    said = found(world)
    assert said["failures.keywords"].text == (
        "yes 5 of 25, no 1 of 25 (words, clean); 0 keywords were spoken fewer than 3 times and "
        "are not ranked"
    )
    assert said["failures.pairs"].text == "no taken for _unknown_ (1), no taken for yes (1)"
    assert said["failures.conditions"].text == "10 dB: 32.0 %, clean: 12.0 %"
    assert "worst tenth of 10 people is missed 60.0 %, the mean 22.0 %" in (
        said["bias.worst_tenth"].text
    )
    assert said["bias.rare"].text == "no (3), yes (3)"


def test_keywords_that_were_hardly_spoken_are_not_ranked(world: World) -> None:
    def rare(figures: dict[str, Any]) -> None:
        figures["by_keyword"]["words, clean"]["yes"].update(references=2)

    text = found(world, rare)["failures.keywords"].text
    assert text.startswith("no 1 of 25 (words, clean); 1 keywords were spoken fewer than 3 times")


def test_what_was_not_measured(world: World) -> None:
    said = found(world, figures=None, training=None)
    assert not any(said[f"failures.{name}"].known for name in ("keywords", "pairs", "conditions"))
    assert not said["bias.worst_tenth"].known
    assert not said["bias.rare"].known

    def no_words(figures: dict[str, Any]) -> None:
        figures["by_keyword"], figures["clips"] = {}, {}
        figures["by_speaker"] = {"speakers": 0}
        figures["settings"][0]["streams"] = figures["settings"][0]["streams"][2:]

    said = found(world, no_words)
    assert not any(said[f"failures.{name}"].known for name in ("keywords", "pairs", "conditions"))


def test_the_owner_states_use_and_consent(world: World) -> None:
    said = found(world)
    assert said["owner.intended_use"].text == "tests"
    assert not said["owner.privacy"].known
    assert said["limits.hears"].text == (
        "2 keywords, each by itself, in windows of 1 s; no sentences"
    )


def test_the_program_that_listens_opens_no_connection() -> None:
    """The card says so of every model."""
    for package in ("engine", "kws_app"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name in LOCAL_SOCKETS or path.parent.name == "actions":
                continue  # actions go where their owner sends them, and are off by default
            for node in ast.walk(ast.parse(path.read_text())):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                assert not {name.partition(".")[0] for name in names} & NETWORK, path
