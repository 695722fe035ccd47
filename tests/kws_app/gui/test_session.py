"""One pipeline at a time: started, paused, switched to other settings and ended."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from sessions import feed, poll_until, until_state
from signals import RATE_HZ, silence, tone_stream
from tiny_model import make_model_folder

from engine.errors import ConfigError, ModelError
from kws_app.gui.session import Session
from kws_app.gui.session_state import State


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    return path


def test_a_recording_is_heard_at_its_own_speed_to_its_end(
    make_session: Callable[..., Session], recording: Path
) -> None:
    session = make_session(input=str(recording))
    assert session.state is State.PAUSED
    session.start()
    assert session.state is State.STARTING
    started = time.monotonic()
    total = until_state(session, State.FINISHED)
    assert time.monotonic() - started > 3.5
    assert [heard.detection.keyword for heard in total.heard] == ["low"]
    assert [moment.end_sample for moment in total.moments] == [
        16_000 + 1_600 * i for i in range(31)
    ]
    assert session.duration_s == pytest.approx(4)
    assert not session.is_running
    session.start()  # once more from its beginning
    until_state(session, State.LISTENING)


def test_a_microphone_is_let_go_while_paused(
    make_session: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make_session(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.started.source == "USB Mic"
    feed(portaudio, silence(1.2))
    total = poll_until(session, lambda update: len(update.moments) >= 1)
    assert total.moments[0].end_sample in (16_000, 17_600, 19_200)  # a busy machine skips
    session.pause()
    assert session.state is State.PAUSED
    assert portaudio.streams[0].is_closed
    session.poll()
    session.start()
    until_state(session, State.LISTENING)
    assert len(portaudio.streams) == 2


def test_thresholds_reach_the_engine_and_the_memory(
    make_session: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make_session(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, threshold={"low": 0.05}, keywords=("low",)))
    assert session.is_running
    assert len(portaudio.streams) == 1  # nothing was opened again
    feed(portaudio, tone_stream()[: 3 * RATE_HZ])
    total = poll_until(session, lambda update: bool(update.heard))
    assert total.heard[0].detection.threshold == 0.05
    assert session.memory.moments()[-1].decision is session.decision
    assert set(session.decision.operating_points) == {"low"}


def test_what_is_refused_changes_nothing(
    make_session: Callable[..., Session], tmp_path: Path
) -> None:
    session = make_session()
    before = session.settings
    with pytest.raises(ConfigError, match="not a keyword"):
        session.apply(replace(before, keywords=("lamp",)))
    with pytest.raises(ModelError):
        session.apply(replace(before, model=tmp_path / "none"))
    assert session.settings is before
    assert session.state is State.PAUSED


def test_another_model_is_taken_and_a_broken_one_gives_way(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make_session(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    other = make_model_folder(tmp_path / "other")
    session.apply(replace(session.settings, model=other))
    until_state(session, State.LISTENING)
    assert session.manifest.folder == other
    # A model that passes its check and does not run.
    broken = make_model_folder(tmp_path / "broken")
    applied = replace(session.settings, model=broken)
    (broken / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(ModelError):
        session.apply(applied)
    assert session.manifest.folder == other


def test_what_worked_comes_back_though_its_model_folder_has_gone(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    own = make_model_folder(tmp_path / "own")
    session = make_session(model=own, rate=16_000, device="USB")
    session.start()
    until_state(session, State.LISTENING)
    shutil.rmtree(own)
    session.apply(replace(session.settings, device="Webcam Mic 2"))
    total = poll_until(session, lambda update: bool(update.notices))
    assert "Back to USB." in total.notices[0]
    assert session.settings.device == "USB"
    assert session.manifest.folder == own
    until_state(session, State.FAILED)
    assert "model.onnx" in session.problem


def test_standard_input_and_a_file_that_is_none(make_session: Callable[..., Session]) -> None:
    session = make_session(input="-")
    session.start()
    assert session.state is State.FAILED
    assert "does not read standard input" in session.problem
    session.apply(replace(session.settings, input="nothing.wav"))
    total = until_state(session, State.FAILED)
    assert "no such file: nothing.wav" in session.problem
    assert total.notices == []  # the state says it already
