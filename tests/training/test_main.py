"""The commands of the training side."""

from pathlib import Path

import pytest

from training.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "--data", "nowhere", "--run", "RUN"], "cannot read nowhere/speech_commands.csv"),
        (
            ["export", "--run", "nowhere", "--model", "RUN", "--data", "gone"],
            "cannot read gone/other_audio.csv",
        ),
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
