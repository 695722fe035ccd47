"""The commands of the training side."""

from pathlib import Path

import pytest
from small_run import word_folder

from training.__main__ import main


def test_what_is_not_installed_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: object) -> None:
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.setattr("training.commands.fit.run", run)
    assert main(["fit", "words", "run"]) == 1
    assert capsys.readouterr().err == (
        "training: rich is not installed: pip install -e '.[train]' -c constraints.txt, or make "
        "test\n"
    )


def test_a_pipe_that_nobody_reads_ends_quietly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("training.commands.metrics.run", run)
    assert main(["metrics", "--model", "x", "--data", "y"]) == 0
    assert capsys.readouterr().err == ""


def test_help_tells_the_defaults_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    text = capsys.readouterr().out
    assert "(default: 0.9)" in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "words", "RUN"], "no data is named; give --data FOLDER"),
        (
            ["fit", "words", "RUN", "--data", "nowhere"],
            "data folder nowhere does not exist; it must hold <word>/*.wav",
        ),
        (["fit", "wrods", "RUN"], "cannot read recipe wrods: No such file"),
        (
            ["fit", "speech_commands", "RUN", "--data", "x"],
            "start 'deit-base-384' is not fetched yet: python -m training fetch deit-base-384",
        ),
        (
            ["export", "nowhere", "--model", "RUN"],
            "cannot read nowhere/last.pt: there is no such file; it must be the checkpoint of",
        ),
        (["metrics", "--model", "x", "--data", "gone"], "model folder x does not exist"),
        (["norm-stats", "--data", "gone"], "data folder gone does not exist"),
        (["evaluate", "--data", "x", "--model", "nowhere"], "model folder nowhere does not exist"),
    ],
)
def test_what_is_missing_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], message: str
) -> None:
    arguments = [str(tmp_path) if argument == "RUN" else argument for argument in arguments]
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"training: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "words", "FILE", "--data", "WORDS", "--set", "fit.steps=1"],
        ["fit", "words", "/proc/nowhere", "--data", "WORDS", "--set", "fit.steps=1"],
        ["synthesize", "lamp", "--out", "FILE"],
        ["convert", "FILE", "--model", "RUN"],
    ],
)
def test_places_where_nothing_can_be_written_or_read_are_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "file").touch()
    word_folder(tmp_path / "words")
    places = {"FILE": tmp_path / "file", "WORDS": tmp_path / "words", "RUN": tmp_path / "run"}
    assert main([str(places.get(argument, argument)) for argument in arguments]) == 1
    err = capsys.readouterr().err
    assert err.startswith("training: ")
    assert err.count("\n") == 1
