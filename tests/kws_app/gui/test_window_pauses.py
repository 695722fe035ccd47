"""A paused recording is shown where it is."""

from pathlib import Path
from typing import Any

import soundfile
from signals import RATE_HZ, tone_stream

from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session
from kws_app.gui.session_state import State


def test_the_position_stays_while_a_recording_is_paused(
    window: MainWindow, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    window.open_recording(path)
    panes = window.panes
    qtbot.waitUntil(lambda: panes.position.value() > 0, timeout=20_000)
    window.toggle()
    assert "Paused" in panes.state.text()
    assert panes.toggle_button.text() == "Start"
    qtbot.wait(400)  # what was under way is shown
    place, stream = panes.position.value(), session.stream
    qtbot.wait(600)
    assert panes.position.isVisible()
    assert panes.position.value() == place
    window.toggle()
    assert "Listening" in panes.state.text()
    assert panes.toggle_button.text() == "Pause"
    qtbot.waitUntil(lambda: panes.position.value() > place, timeout=20_000)
    qtbot.waitUntil(lambda: session.state is State.FINISHED, timeout=20_000)
    assert session.stream == stream
    assert panes.position.format() == "4 of 4 s"
