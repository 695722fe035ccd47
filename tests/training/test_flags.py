"""Flags mean the same everywhere, and nonsense is refused before anything is scored."""

import argparse

import pytest

from engine.errors import ConfigError
from training.__main__ import main
from training.commands.flags import keywords_of, number, whole


@pytest.mark.parametrize("text", ["0", "101", "1.5", "x", ""])
def test_whole_numbers_of_a_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no whole number of 1 to 100"):
        whole(1, 100)(text)
    assert whole(1, 100)("100") == 100


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "x"])
def test_numbers_of_a_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="no number of 0 or more"):
        number(0)(text)
    assert number(0)("0") == 0


def test_keywords_count_once() -> None:
    assert keywords_of(argparse.Namespace(keywords=None)) is None
    assert keywords_of(argparse.Namespace(keywords="yes, no,yes,")) == ["yes", "no"]
    with pytest.raises(ConfigError, match="name words, with commas"):
        keywords_of(argparse.Namespace(keywords=" ,"))


@pytest.mark.parametrize(
    "flags",
    [
        ["evaluate", "--smoothing", "0"],
        ["evaluate", "--workers", "0"],
        ["evaluate", "--alarms-per-hour", "nan"],
        ["evaluate", "--most-per-word", "0"],
        ["mine", "--model", "m", "--out", "o", "--smoothing", "-1"],
        ["calibrate", "--model", "m", "--false-alarms-per-day", "1", "--seed", "-1"],
        ["streams", "--out", "o", "--seed", "-1"],
    ],
)
def test_nonsense_is_refused_at_once(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([*flags, "--data", "d"])
    assert end.value.code == 2
    assert "is no" in capsys.readouterr().err
