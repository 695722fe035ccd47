"""One pipeline at a time: started, switched, recovered, ended."""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_sounddevice import FakeSounddevice, PortAudioError
from full_disk import files_of_at_most
from sessions import poll_until, until_state
from signals import RATE_HZ, silence, tone_stream
from tiny_model import make_model_folder

from engine.errors import ConfigError, ModelError
from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update
from kws_app.settings import Settings


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def now_s() -> list[float]:
    return [0.0]


@pytest.fixture
def make(tiny_folder: Path, now_s: list[float]) -> Iterator[Callable[..., Session]]:
    sessions = []

    def made(**settings: object) -> Session:
        values = {"model": tiny_folder, "backend": "cpu"} | settings
        sessions.append(Session(Settings(**values), clock=lambda: now_s[0]))
        return sessions[-1]

    yield made
    for session in sessions:
        session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "scorer"]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    return path


def until_state_and_wakes(
    session: Session, now_s: list[float], state: State, step_s: float
) -> Update:
    def look(_: Update) -> bool:
        now_s[0] += step_s
        return session.state is state

    return poll_until(session, look)


def feed(portaudio: FakeSounddevice, samples: np.ndarray) -> None:
    """As a device does, block by block; the ring behind it holds four seconds."""
    for first in range(0, len(samples), 320):
        portaudio.streams[-1].deliver(samples[first : first + 320])
        time.sleep(0.001)


def test_a_recording_is_heard_at_its_own_speed_to_its_end(
    make: Callable[..., Session], recording: Path
) -> None:
    session = make(input=str(recording))
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
    make: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make(device="USB", rate=16_000)
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
    make: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make(rate=16_000)
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


def test_what_is_refused_changes_nothing(make: Callable[..., Session], tmp_path: Path) -> None:
    session = make()
    before = session.settings
    with pytest.raises(ConfigError, match="not a keyword"):
        session.apply(replace(before, keywords=("lamp",)))
    with pytest.raises(ModelError):
        session.apply(replace(before, model=tmp_path / "none"))
    assert session.settings is before
    assert session.state is State.PAUSED


def test_a_device_that_does_not_open_gives_way_to_the_old_one(
    make: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, device="Webcam Mic 2"))
    total = poll_until(session, lambda _: session.state is State.LISTENING)
    assert session.settings.device == "USB"
    assert portaudio.scans == 2  # for the new one and for the old one
    (notice,) = total.notices
    assert "no input device is called 'Webcam Mic 2'" in notice
    assert notice.endswith("Back to USB.")


def test_a_switch_to_a_device_that_works(
    make: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, device="Webcam"))
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.started.source == "Webcam Mic"
    assert [stream.is_closed for stream in portaudio.streams] == [True, False]


def test_without_a_device_it_looks_again_until_there_is_one(
    make: Callable[..., Session], portaudio: FakeSounddevice, now_s: list[float]
) -> None:
    devices, portaudio.devices = portaudio.devices, []
    session = make()
    session.start()
    until_state(session, State.NO_DEVICE)
    assert "no input device" in session.problem
    assert session.poll().moments == []
    opened = portaudio.scans
    now_s[0] += 0.9  # too early
    session.poll()
    assert portaudio.scans == opened
    portaudio.devices = devices
    until_state_and_wakes(session, now_s, State.LISTENING, 0.1)
    assert portaudio.scans > opened


class Seen:
    """A watch that sees every device at once."""

    def __init__(self, wanted: object) -> None:
        assert wanted == [None]  # the default, whichever it is then

    def is_there(self) -> bool:
        return True

    def close(self) -> None:
        pass


def test_a_device_that_is_lost_is_waited_for(
    make: Callable[..., Session], portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws_app.listening.DeviceWatch", Seen)
    session = make(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    stream = session.stream
    portaudio.open_error = PortAudioError("gone")
    portaudio.opened[0]["finished_callback"]()
    until_state(session, State.RECOVERING)
    assert session.problem == "'USB Mic' has gone"
    portaudio.devices[2]["name"] = "Phone"  # the default now
    portaudio.open_error = None
    deadline = time.monotonic() + 20
    while len(portaudio.streams) == 1 and time.monotonic() < deadline:
        session.poll()
        assert session.state is State.RECOVERING
        time.sleep(0.01)
    feed(portaudio, np.full(3_200, 0.1))
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.started.source == "Phone"
    assert session.stream == stream


def test_a_device_that_hangs_holds_up_no_end(
    make: Callable[..., Session],
    portaudio: FakeSounddevice,
    now_s: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.audio.microphone._CLOSE_S", 0.1)
    session = make(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    portaudio.answers.clear()
    try:
        session.pause()
        assert session.state is State.PAUSED
        monkeypatch.setattr("engine.audio.microphone.OPEN_S", 0.1)
        session.start()
        until_state(session, State.NO_DEVICE)
        assert "has not answered for 0.1 s" in session.problem
    finally:
        portaudio.answers.set()
    monkeypatch.setattr("engine.audio.microphone.OPEN_S", 8.0)
    until_state_and_wakes(session, now_s, State.LISTENING, 0.5)
    assert portaudio.streams[0].is_closed
    assert not portaudio.streams[-1].is_closed


def test_pausing_ends_the_waiting(
    make: Callable[..., Session], portaudio: FakeSounddevice, now_s: list[float]
) -> None:
    portaudio.devices = []
    session = make()
    session.start()
    until_state(session, State.NO_DEVICE)
    session.pause()
    now_s[0] += 100
    session.poll()
    assert session.state is State.PAUSED
    assert not session.is_running


def test_another_model_is_taken_and_a_broken_one_gives_way(
    make: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make(rate=16_000)
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
    make: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    own = make_model_folder(tmp_path / "own")
    session = make(model=own, rate=16_000, device="USB")
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


def test_two_that_fail_at_once_give_way_to_what_worked_before_them(
    make: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    for device in ("Webcam Mic 2", "Webcam Mic 3"):
        session.apply(replace(session.settings, device=device))
    until_state(session, State.LISTENING)
    assert session.settings.device == "USB"


def test_standard_input_and_a_file_that_is_none(make: Callable[..., Session]) -> None:
    session = make(input="-")
    session.start()
    assert session.state is State.FAILED
    assert "does not read standard input" in session.problem
    session.apply(replace(session.settings, input="nothing.wav"))
    total = until_state(session, State.FAILED)
    assert "no such file: nothing.wav" in session.problem
    assert total.notices == []  # the state says it already


def test_what_is_heard_can_be_recorded_from_any_moment_on(
    make: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    feed(portaudio, silence(1.1))
    poll_until(session, lambda _: session.memory.audio(17_600, 1) is not None)
    session.record_to(tmp_path / "heard.flac")
    assert session.recording.path == tmp_path / "heard.flac"
    assert session.poll().is_changed
    feed(portaudio, tone_stream()[: 2 * RATE_HZ])
    poll_until(session, lambda _: session.memory.audio(17_600 + 2 * RATE_HZ, 1) is not None)
    session.record_to(None)
    assert session.recording.path is None
    samples, rate_hz = soundfile.read(tmp_path / "heard.flac", dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(samples, tone_stream()[: 2 * RATE_HZ], atol=1 / 32_000)


def test_the_limit_ends_the_recording_and_not_the_listening(
    make: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make(rate=16_000, record_hours=1 / 3600)
    session.start()
    until_state(session, State.LISTENING)
    session.record_to(tmp_path / "heard.wav")
    feed(portaudio, tone_stream()[: 2 * RATE_HZ])
    total = poll_until(session, lambda update: bool(update.notices))
    assert total.notices[0].endswith("heard.wav has ended at 0.000277778 h; listening goes on.")
    assert session.recording.path is None
    assert soundfile.info(tmp_path / "heard.wav").frames == RATE_HZ


def test_a_full_disk_ends_the_recording_and_not_the_listening(
    make: Callable[..., Session], portaudio: FakeSounddevice, tmp_path: Path
) -> None:
    session = make(rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    with files_of_at_most(40_000):
        session.record_to(tmp_path / "heard.wav")
        feed(portaudio, tone_stream()[: 3 * RATE_HZ])
        total = poll_until(session, lambda update: bool(update.notices))
    assert "cannot write" in total.notices[0]
    assert "listening goes on" in total.notices[0]
    assert session.recording.path is None
    assert session.state is State.LISTENING
    assert (tmp_path / "heard.wav").stat().st_size > 30_000


def test_a_recording_that_cannot_be_ended_holds_up_no_end(
    make: Callable[..., Session],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    session = make()
    session.record_to(tmp_path / "heard.flac")
    (tmp_path / "heard.partial.flac").unlink()
    session.close()
    assert capsys.readouterr().err.startswith("kws: cannot write --record")
