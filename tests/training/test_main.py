"""The commands of the training side."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, environment
from small_run import word_folder

from training.__main__ import main

_WITHOUT_THE_EXTRA = """
import sys
for name in ("torch", "rich", "onnx", "safetensors", "tensorboard"):
    sys.modules[name] = None  # as where only `make run` installed
from training.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "words", "run", "--data", "x"],
        ["export", "run", "--model", "m"],
        ["convert", "x.pth", "--model", "m"],
        ["norm-stats", "--data", "WORDS"],
        ["synthesize", "lamp", "--out", "OUT", "--clips", "1", "--unknown", "0"],
    ],
)
def test_what_is_not_installed_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    if arguments[0] == "synthesize" and shutil.which("espeak-ng") is None:
        pytest.skip("no espeak-ng here")
    places = {"WORDS": str(word_folder(tmp_path / "words")), "OUT": str(tmp_path / "out")}
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_THE_EXTRA, *(places.get(a, a) for a in arguments)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
    )
    assert done.returncode == 1
    assert re.fullmatch(
        r"training: \w+ is not installed: pip install -e '.\[train\]' -c .*, or make test\n",
        done.stderr,
    ), done.stderr


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
