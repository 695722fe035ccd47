"""From recordings to a card: train, export, evaluate, write the card, check it."""

import re
import tomllib
from pathlib import Path

import pytest
from small_run import word_folder

from training.__main__ import main
from training.card.document import read_written

RECIPE = """
[model]
dim = 24
depth = 1
heads = 2

[fit]
steps = 12
batch_size = 6
validate_every = 6
threads = 1
workers = 0
tensorboard = false
"""


def test_from_recordings_to_a_card_that_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, recipe = word_folder(tmp_path / "words"), tmp_path / "recipe.toml"
    recipe.write_text(RECIPE)
    run, model, report = (str(tmp_path / name) for name in ("run", "model", "report"))
    assert main(["fit", str(recipe), run, "--data", str(words)]) == 0
    assert main(["export", run, "--model", model, "--threshold", "0.3"]) == 0
    measured = ["--data", str(words), "--out", report, "--alarms-per-hour", "6"]
    assert main(["evaluate", "--model", model, *measured]) == 0
    records = ["--model", model, "--figures", report, "--run", run]
    assert main(["card", *records, "--data", str(words)]) == 0
    capsys.readouterr()

    card = tmp_path / "model" / "card.md"
    written = read_written(card.read_text(), "card.md")
    said = {statement.key: statement for _, statement in written.statements}
    for key in ("reliability.ece", "clips.people.accuracy", "training.stretch.1", "data.origin"):
        assert said[key].known, key
    for table, values in tomllib.loads(RECIPE).items():
        for name, value in values.items():
            assert said[f"{table}.{name}"].text == str(value).lower(), name
    assert said["data.class.low"].text == "4 | 0 | 2 | 0"
    assert said["data.clips.train"].text.startswith("8 of people, 0 of programs")
    assert str(tmp_path) not in card.read_text()  # nobody's machine

    assert main(["card", "--check", str(card), *records, "--data", str(words)]) == 0
    out = capsys.readouterr().out
    assert "false: " not in out
    assert re.search(r"\d+ statements hold, 0 do not", out)
    assert set(re.findall(r"not checkable \((.*)\):", out)) == {
        "measured when the card was made; it would differ today"
    }
    assert main(["card", "--check", str(card.with_suffix(".html")), "--run", run]) == 0
