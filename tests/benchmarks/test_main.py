"""Every benchmark takes what its flags give."""

import argparse
import importlib
import inspect
import sys
from types import ModuleType

import pytest

from benchmarks import __main__ as program


def commands() -> dict[str, argparse.ArgumentParser]:
    (group,) = (a for a in program.make_parser()._actions if a.dest == "command")
    return dict(group.choices or {})


@pytest.mark.parametrize("name", commands())
def test_flags_are_the_arguments_of_the_report(name: str) -> None:
    report = importlib.import_module(f"benchmarks.{name.replace('-', '_')}").report
    options = {action.dest for action in commands()[name]._actions} - {"help"}
    if name == "train":
        assert options == set(
            inspect.signature(importlib.import_module("benchmarks.train").Setting).parameters
        )
    else:
        assert options == set(inspect.signature(report).parameters)


def test_the_report_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = ModuleType("benchmarks.own_words")
    given = {}
    module.report = lambda **options: given.update(options) or "| table |"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "benchmarks.own_words", module)
    required = ["--model", "m", "--words", "w", "--data", "d"]
    assert program.main(["own-words", *required, "--threshold", "0.7"]) == 0
    assert capsys.readouterr().out == "| table |\n"
    assert given["thresholds"] == [0.7]
