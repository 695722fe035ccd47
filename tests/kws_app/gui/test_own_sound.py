"""What the window plays is shown when its microphone hears it, and does nothing."""

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
from actions import detection
from fake_sounddevice import FakeSounddevice
from history_rows import row
from qtpy.QtCore import Qt
from signals import RATE_HZ, tone_stream

from kws_app.gui.colours import DARK
from kws_app.gui.history import History
from kws_app.gui.main_window import MainWindow
from kws_app.gui.own_sound import OwnSound
from kws_app.gui.player import Player
from kws_app.gui.session import Session
from kws_app.gui.session_state import State


def playing() -> tuple[Player, threading.Event]:
    """A player whose clip lasts until the event is set."""
    over = threading.Event()
    player = Player(lambda samples, rate_hz: bool(over.wait(30)))  # type: ignore[arg-type]
    return player, over


def test_it_is_what_a_microphone_hears_while_a_clip_plays(session: Session) -> None:
    player, over = playing()
    own = OwnSound(session, player)
    before, during = detection("low"), detection("low")
    assert not own.takes(before)
    player.start(np.zeros(5, np.int16), RATE_HZ)
    assert own.takes(during)
    assert own.took(during)
    assert not own.took(before)  # though it is equal
    session.settings = replace(session.settings, input="a.wav")
    assert not own.takes(detection("low"))
    over.set()
    player.join(10)


def test_only_so_many_are_remembered(session: Session) -> None:
    player, over = playing()
    own = OwnSound(session, player)
    player.start(np.zeros(5, np.int16), RATE_HZ)
    many = [detection("low") for _ in range(300)]
    assert all(own.takes(each) for each in many)
    assert [own.took(each) for each in many] == [False] * 44 + [True] * 256
    over.set()
    player.join(10)


def test_the_history_says_why_it_did_nothing() -> None:
    history = History()
    history.add([row(0), row(1, is_own=True)])
    tips = [history.data(history.index(place, 0), Qt.ItemDataRole.ToolTipRole) for place in (0, 1)]
    assert "it did nothing, since a clip was played here" in tips[0]
    assert "it did nothing" not in tips[1]


def test_a_clip_that_is_heard_is_marked(
    qtbot: Any, session: Session, portaudio: FakeSounddevice
) -> None:
    player, over = playing()
    window = MainWindow(session, DARK, player=player)
    qtbot.addWidget(window)
    session.on_detection = lambda heard: bool(window.own_sound.takes(heard))  # type: ignore[assignment,return-value]
    session.start()
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    player.start(np.zeros(5, np.int16), RATE_HZ)
    samples = tone_stream()[: 4 * RATE_HZ]
    for first in range(0, len(samples), 320):
        portaudio.streams[-1].deliver(samples[first : first + 320])
        time.sleep(0.001)
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    assert window.panes.history.row(0).is_own
    over.set()
    window.end()
