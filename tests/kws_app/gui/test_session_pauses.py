"""A recording goes on where it was, nothing heard is lost on the way, a fault is told."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from sessions import poll_until, until_state
from signals import RATE_HZ, tone_stream

from engine.types import BackendChanged, Detection
from kws_app.gui.heard_rows import rows_of
from kws_app.gui.session import Session
from kws_app.gui.session_state import State
from kws_app.ledger.entries import RIGHT
from kws_app.ledger.store import Ledger
from kws_app.settings import Settings


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def session(tiny_folder: Path, tmp_path: Path, portaudio: FakeSounddevice) -> Iterator[Session]:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    made = Session(Settings(model=tiny_folder, backend="cpu", input=str(path)))
    yield made
    made.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "scorer"]


def wait_for(done: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_paused_recording_goes_on_where_it_was(session: Session) -> None:
    session.start()
    first = poll_until(session, lambda update: bool(update.moments))
    session.pause()
    assert session.state is State.PAUSED
    assert not session.is_running
    time.sleep(0.3)  # what was under way is scored
    first.moments.extend(session.poll().moments)
    time.sleep(0.7)
    assert session.poll().moments == []
    session.start()
    assert session.state is State.LISTENING
    assert session.is_running
    rest = until_state(session, State.FINISHED)
    ends = [moment.end_sample for moment in (*first.moments, *rest.moments)]
    assert ends == [16_000 + 1_600 * i for i in range(31)]
    assert [heard.detection.keyword for heard in (*first.heard, *rest.heard)] == ["low"]
    assert session.stream == 1


def test_a_paused_recording_can_be_left(session: Session) -> None:
    session.start()
    until_state(session, State.LISTENING)
    session.pause()
    started = time.monotonic()
    session.apply(replace(session.settings, input=None, device="USB", rate=RATE_HZ))
    assert time.monotonic() - started < 1
    session.start()
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.started.source == "USB Mic"


def test_what_is_kept_of_a_paused_recording_is_up_to_the_settings(
    session: Session, tmp_path: Path
) -> None:
    session.start()
    until_state(session, State.LISTENING)
    session.pause()
    folder = tmp_path / "heard"
    session.apply(replace(session.settings, ledger=folder))
    assert session.ledger.folder == folder
    session.apply(replace(session.settings, ledger=None))
    assert session.ledger.folder is None
    session.apply(replace(session.settings, ledger=folder))
    session.start()
    assert session.ledger.folder == folder
    assert session.state is State.LISTENING


def test_another_backend_begins_nothing_while_a_recording_is_paused(session: Session) -> None:
    session.start()
    until_state(session, State.LISTENING)
    session.pause()
    session.apply(replace(session.settings, backend="auto"))
    assert session.state is State.PAUSED
    assert not session.is_running
    session.start()
    until_state(session, State.FINISHED)
    session.apply(replace(session.settings, backend="cpu"))  # once more, to compare
    until_state(session, State.LISTENING)


def test_a_word_heard_just_before_a_switch_is_not_lost(session: Session) -> None:
    session.start()
    until_state(session, State.LISTENING)
    before = session.memory
    wait_for(lambda: any(moment.fired for moment in before.moments()))
    session.apply(replace(session.settings, input=None, device="USB", rate=RATE_HZ))
    session.start()
    total = until_state(session, State.LISTENING)
    ((stretch, heard),) = total.earlier
    (row,) = rows_of(heard, stretch)
    assert (row.keyword, row.stream) == ("low", 1)
    assert row.source.endswith("tones.wav")
    assert row.clip is not None
    assert total.heard == []


def test_a_word_heard_just_before_the_end_is_kept(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "heard"
    session.apply(replace(session.settings, ledger=folder))
    session.start()
    until_state(session, State.LISTENING)
    wait_for(lambda: any(moment.fired for moment in session.memory.moments()))
    session.close()
    assert "low" in [entry.keyword for entry in Ledger(folder).entries()]


def test_a_word_heard_just_before_a_switch_can_be_labelled(
    session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "heard"
    session.apply(replace(session.settings, ledger=folder))
    session.start()
    until_state(session, State.LISTENING)
    before = session.memory
    wait_for(lambda: any(moment.fired for moment in before.moments()))
    session.apply(replace(session.settings, input=None, device="USB", rate=RATE_HZ))
    ((stretch, (heard,)),) = session.poll().earlier
    row = rows_of([heard], stretch)[0]
    wait_for(lambda: bool(session.ledger._ids))  # is written aside
    session.ledger.label(row.stream, row.time_s, row.keyword, RIGHT)
    labels = {entry.keyword: entry.label for entry in Ledger(folder).entries()}
    assert labels["low"] == "right"


def test_a_fault_of_the_program_is_told_once(session: Session) -> None:
    def break_down(_: Detection) -> None:
        raise RuntimeError("a fault")

    session.on_detection = break_down
    session.start()
    with pytest.raises(RuntimeError, match="a fault"):
        until_state(session, State.PAUSED)
    assert session.state is State.FAILED
    assert "a fault" in session.problem
    session.poll()


def test_a_fault_that_looks_like_a_stuck_driver_is_one(session: Session) -> None:
    def break_down(_: Detection) -> None:
        raise TimeoutError("a fault")

    session.on_detection = break_down
    session.start()
    with pytest.raises(TimeoutError, match="a fault"):
        until_state(session, State.PAUSED)
    assert session.state is State.FAILED


def test_a_fault_just_before_the_end_is_told_too(session: Session) -> None:
    def break_down(_: Detection) -> None:
        raise RuntimeError("a fault")

    session.on_detection = break_down
    session.start()
    until_state(session, State.LISTENING)
    wait_for(lambda: not session._live._pipeline._thread.is_alive())  # type: ignore[union-attr]
    with pytest.raises(RuntimeError, match="a fault"):
        session.close()


def test_another_backend_is_shown_and_told(session: Session) -> None:
    session.start()
    until_state(session, State.LISTENING)
    assert session.started is not None
    assert session.building is None
    changed = BackendChanged(end_sample=16_000, backend="cuda", backend_reason="fastest")
    assert session._live is not None
    session._live._queue.put(changed)
    total = poll_until(session, lambda update: bool(update.notices))
    assert total.notices == ["cuda scores from here on: fastest"]
    assert (session.started.backend, session.started.backend_reason) == ("cuda", "fastest")
    assert session.started.source.endswith("tones.wav")
