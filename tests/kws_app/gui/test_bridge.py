"""The window looks often enough, not too often, and the scoring does not wait for it."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fake_sounddevice import FakeSounddevice
from signals import RATE_HZ, tone_stream

from kws_app.gui import session_stream as session_module
from kws_app.gui.bridge import Bridge
from kws_app.gui.session import Session
from kws_app.gui.session_state import Update
from kws_app.settings import Settings


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def session(tiny_folder: Path, portaudio: FakeSounddevice) -> Any:
    made = Session(Settings(model=tiny_folder, backend="cpu", rate=RATE_HZ))
    yield made
    made.close()


def test_at_most_thirty_pictures_a_second_and_four_looks_when_hidden(
    qtbot: Any, session: Session
) -> None:
    bridge = Bridge(session)
    earliest = 0.95  # Qt's coarse timers may come that early
    assert 1_000 / (bridge._timer.interval() * earliest) <= 30
    bridge.set_visible(False)
    assert bridge._timer.interval() >= 250
    bridge.set_visible(True)
    assert 1_000 / (bridge._timer.interval() * earliest) <= 30
    updates: list[Update] = []
    bridge.updated.connect(updates.append)
    bridge.start()
    qtbot.waitUntil(lambda: len(updates) > 2, timeout=10_000)
    bridge.stop()
    seen = len(updates)
    qtbot.wait(200)
    assert len(updates) == seen


def test_a_window_that_never_looks_delays_no_scoring(
    session: Session, portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More is to be told than the queue holds, and nobody reads it."""
    monkeypatch.setattr(session_module, "_QUEUE_EVENTS", 2)
    session.start()
    until = time.monotonic() + 60
    samples = tone_stream()
    # A device delivers nothing before it is started.
    while not any(s.is_started for s in portaudio.streams) and time.monotonic() < until:
        time.sleep(0.01)
    for first in range(0, len(samples), 320):
        portaudio.streams[-1].deliver(samples[first : first + 320])
        time.sleep(0.001)
    last_end = len(samples) // 1_600 * 1_600
    while time.monotonic() < until:
        moments = session.memory.moments()
        if moments and moments[-1].end_sample == last_end:
            break
        time.sleep(0.01)
    assert session.memory.moments()[-1].end_sample == last_end
