"""What is listened to."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError, SourceError
from kws_app.gui.session_source import make_source, same_pipeline
from kws_app.settings import Settings

BEFORE = Settings(device="USB", model=Path("models/mine"), backend="auto")


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "Webcam"},
        {"device": None, "input": "a.wav"},
        {"model": Path("models/other")},
        {"backend": "cuda"},
        {"rate": 8_000},
    ],
)
def test_what_needs_another_pipeline(changes: dict[str, Any]) -> None:
    assert not same_pipeline(BEFORE, replace(BEFORE, **changes))


def test_thresholds_and_the_ledger_need_no_other_pipeline() -> None:
    other = replace(BEFORE, threshold={"low": 0.5}, smoothing=3, ledger=Path("heard"))
    assert same_pipeline(BEFORE, other)


def test_a_pipe_is_no_recording(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is no file; the window plays recordings"):
        make_source(Settings(input=str(pipe)), 16_000, look_again=False)


@pytest.mark.parametrize("path", ["nothing.wav", "x" * 5_000])
def test_what_is_not_there_is_told_when_it_is_opened(path: str) -> None:
    source, _ = make_source(Settings(input=path), 16_000, look_again=False)
    with pytest.raises(SourceError), source:
        pass
