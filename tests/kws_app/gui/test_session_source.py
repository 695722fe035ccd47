"""What is listened to, and what comes back where something new failed."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import ConfigError
from kws_app.gui.session_source import make_source, same_pipeline, what_comes_back
from kws_app.settings import Settings

BEFORE = Settings(device="USB", model=Path("models/mine"), backend="auto")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"device": "Webcam"}, "USB"),
        ({"device": None, "input": "a.wav"}, "USB"),
        ({"model": Path("models/other")}, "model mine"),
        ({"backend": "cuda"}, "backend auto"),
        ({"rate": 8_000}, "what was set before"),
    ],
)
def test_what_was_before_is_named(changes: dict[str, object], named: str) -> None:
    failed = replace(BEFORE, **changes)
    assert what_comes_back(BEFORE, failed) == named
    assert not same_pipeline(BEFORE, failed)


def test_sources_without_a_name() -> None:
    assert what_comes_back(Settings(), Settings(device="USB")) == "the default microphone"
    assert what_comes_back(Settings(input="a.wav"), Settings()) == "a.wav"


def test_thresholds_and_the_ledger_need_no_other_pipeline() -> None:
    other = replace(BEFORE, threshold={"low": 0.5}, smoothing=3, ledger=Path("heard"))
    assert same_pipeline(BEFORE, other)


def test_a_pipe_is_no_recording(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match="is no file; the window plays recordings"):
        make_source(Settings(input=str(pipe)), 16_000, look_again=False)
