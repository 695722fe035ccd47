"""Devices of a session: switched, looked for, lost and stuck."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice, PortAudioError
from sessions import feed, poll_until, until_state

from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update


def until_state_and_wakes(
    session: Session, now_s: list[float], state: State, step_s: float
) -> Update:
    def look(_: Update) -> bool:
        now_s[0] += step_s
        return session.state is state

    return poll_until(session, look)


def test_a_device_that_does_not_open_gives_way_to_the_old_one(
    make_session: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make_session(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, device="Webcam Mic 2"))
    total = poll_until(session, lambda _: session.state is State.LISTENING)
    assert session.settings.device == "USB"
    assert portaudio.scans == 2  # for the new one and for the old one
    (notice,) = total.notices
    assert "no input device is called 'Webcam Mic 2'" in notice
    assert notice.endswith("Back to USB.")


def test_two_that_fail_at_once_give_way_to_what_worked_before_them(
    make_session: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make_session(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    for device in ("Webcam Mic 2", "Webcam Mic 3"):
        session.apply(replace(session.settings, device=device))
    until_state(session, State.LISTENING)
    assert session.settings.device == "USB"


def test_a_switch_to_a_device_that_works(
    make_session: Callable[..., Session], portaudio: FakeSounddevice
) -> None:
    session = make_session(device="USB", rate=16_000)
    session.start()
    until_state(session, State.LISTENING)
    session.apply(replace(session.settings, device="Webcam"))
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.started.source == "Webcam Mic"
    assert [stream.is_closed for stream in portaudio.streams] == [True, False]


def test_without_a_device_it_looks_again_until_there_is_one(
    make_session: Callable[..., Session], portaudio: FakeSounddevice, now_s: list[float]
) -> None:
    devices, portaudio.devices = portaudio.devices, []
    session = make_session()
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
    make_session: Callable[..., Session],
    portaudio: FakeSounddevice,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kws_app.listening.DeviceWatch", Seen)
    session = make_session(rate=16_000)
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
    make_session: Callable[..., Session],
    portaudio: FakeSounddevice,
    now_s: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.audio.microphone._CLOSE_S", 0.1)
    session = make_session(rate=16_000)
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
    make_session: Callable[..., Session], portaudio: FakeSounddevice, now_s: list[float]
) -> None:
    portaudio.devices = []
    session = make_session()
    session.start()
    until_state(session, State.NO_DEVICE)
    session.pause()
    now_s[0] += 100
    session.poll()
    assert session.state is State.PAUSED
    assert not session.is_running
