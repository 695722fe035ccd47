"""The window steers the session, and answers whatever comes."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from history_rows import row
from mouse import drag
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QLabel, QToolTip
from sessions import feed
from signals import RATE_HZ, silence, tone_stream
from tiny_model import make_model_folder

from engine.types import Detection, Heard
from kws_app.gui.colours import DARK, LIGHT
from kws_app.gui.history import MAX_CLIPS
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session
from kws_app.gui.session_state import State
from kws_app.gui.widgets.level_meter import LOWEST_DB
from kws_app.settings import Settings


def listen(window: MainWindow, session: Session, qtbot: Any) -> None:
    window.toggle()
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)


def heard(keyword: str, end_sample: int) -> Heard:
    detection = Detection(keyword=keyword, score=0.9, threshold=0.6, end_sample=end_sample)
    return Heard(detection=detection, latency_ms=3.0)


def test_a_word_is_shown_everywhere(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    words: list[Any] = []
    window.word_heard.connect(words.append)
    listen(window, session, qtbot)
    assert "Listening to USB Mic" in window.panes.state.text()
    feed(portaudio, tone_stream()[: 3 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    (shown,) = window.panes.history.rows()
    assert window.panes.last_word.word == shown.keyword == "low"
    assert abs((datetime.now() - shown.at).total_seconds()) < 10
    assert shown.clip is not None
    assert len(shown.clip) == 1.5 * RATE_HZ
    end = shown.end_sample
    wanted = np.rint(tone_stream()[end - 24_000 : end] * 32_768)
    np.testing.assert_allclose(shown.clip, wanted, atol=1)
    assert [word.keyword for word in words] == ["low"]


def test_a_dragged_threshold_reaches_the_engine(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    bars = window.panes.bars
    drag(qtbot, bars, QPoint(bars.threshold_x("low"), bars.row_y("low")), -60)
    threshold = bars.threshold("low")
    assert threshold < 0.5
    assert session.settings.threshold == {"low": threshold}
    feed(portaudio, tone_stream()[: 3 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    assert window.panes.history.row(0).threshold == threshold


def test_keywords_are_switched_off_and_on(window: MainWindow, session: Session) -> None:
    saved: list[Settings] = []
    window.settings_changed.connect(saved.append)
    window.set_enabled("low", False)
    assert set(session.decision.operating_points) == {"high"}
    window.set_enabled("high", False)  # one at least must stay
    assert set(session.decision.operating_points) == {"high"}
    assert "name at least one" in window.panes.notice.text()
    window.set_enabled("low", True)
    assert set(session.decision.operating_points) == {"low", "high"}
    assert [settings.keywords for settings in saved] == [("high",), None]


def test_a_device_that_fails_gives_way_and_is_told(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    window.choose_device("USB")
    listen(window, session, qtbot)
    window.choose_device("Headset")
    qtbot.waitUntil(lambda: "Back to USB" in window.panes.notice.text(), timeout=10_000)
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    assert window.panes.picker.box.currentData() == "USB"
    assert "Listening to USB Mic" in window.panes.state.text()
    window.choose_device("Webcam")
    qtbot.waitUntil(lambda: "Webcam" in window.panes.state.text(), timeout=10_000)


def test_a_paced_recording_gives_way_to_a_microphone(window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "tones.wav"
    soundfile.write(path, silence(1), RATE_HZ)
    window.change(input=str(path), realtime=True)
    window.choose_device("USB Mic")
    assert window.panes.notice.text() == ""
    window.change(realtime=True)  # of a microphone
    assert "realtime" in window.panes.notice.text()


def test_pause_lets_go_of_the_device(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    assert window.panes.toggle_button.text() == "Pause"
    feed(portaudio, tone_stream()[: 2 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.level.peak_db > LOWEST_DB, timeout=10_000)
    qtbot.waitUntil(lambda: window.panes.costs.text("times") != "", timeout=10_000)
    qtbot.mouseClick(window.panes.toggle_button, Qt.MouseButton.LeftButton)
    assert session.state is State.PAUSED
    assert portaudio.streams[-1].is_closed
    assert window.panes.toggle_button.text() == "Start"
    assert "Paused" in window.panes.state.text()
    assert window.panes.level.peak_db == LOWEST_DB
    assert window.panes.costs.text("times") == ""


def test_quit_and_pause_work_from_whichever_window(window: MainWindow) -> None:
    for name in ("Quit", "Pause or go on"):
        context = window.menu_actions[name].shortcutContext()
        assert context == Qt.ShortcutContext.ApplicationShortcut


def test_no_device_is_said_and_can_be_paused(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    portaudio.devices = []
    window.toggle()
    qtbot.waitUntil(lambda: "No device" in window.panes.state.text(), timeout=10_000)
    assert "plug in a microphone" in window.panes.state.text()
    window.toggle()
    assert "Paused" in window.panes.state.text()


def test_a_long_reason_leaves_the_level_its_place_and_a_notice_moves_nothing(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    width_px, place = window.panes.level.width(), window.panes.across.y()
    window.panes.show_notice("One line.")
    QApplication.processEvents()
    window.panes.level.hint_changed.emit("A hint.")
    QApplication.processEvents()
    assert window.panes.across.y() == place
    window.panes.state.setText("Failed: " + "a long reason " * 20)
    QApplication.processEvents()
    assert window.panes.level.width() == width_px


def test_a_recording_runs_with_its_position(
    window: MainWindow, session: Session, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 2 * RATE_HZ], RATE_HZ)
    window.open_recording(path)
    qtbot.waitUntil(lambda: session.state is State.FINISHED, timeout=20_000)
    assert window.panes.position.isVisible()
    assert window.panes.position.value() == 1000
    assert window.panes.position.format() == "2 of 2 s"
    assert "End of the recording" in window.panes.state.text()
    assert window.panes.costs.text("age") == ""  # nothing more is expected
    assert window.panes.level.peak_db == LOWEST_DB
    window.choose_device(None)
    assert not window.panes.position.isVisible() or session.poll()


def test_recording_is_visible_while_it_lasts(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any, tmp_path: Path
) -> None:
    listen(window, session, qtbot)
    window.toggle_recording(tmp_path / "heard.flac")
    assert window.panes.record_button.text() == "■ Stop heard.flac"
    feed(portaudio, silence(0.5))
    qtbot.wait(300)
    window.toggle_recording()
    assert window.panes.record_button.text() == "● Record…"
    assert soundfile.info(tmp_path / "heard.flac").frames == RATE_HZ // 2
    window.toggle_recording(tmp_path / "heard.mp3")
    assert "must end in .flac or .wav" in window.panes.notice.text()


def test_why_did_it_fire_and_why_not(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    feed(portaudio, tone_stream()[: 4 * RATE_HZ])
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=10_000)
    window.panes.history_view.explain()
    view = window.moments.view
    assert view is not None
    assert view.text.startswith("low fired: ")
    assert view.table.item(0, 4).text() == "fired"
    view.step_asked.emit(1)
    assert "Nothing fired" in view.text
    view.step_asked.emit(-1)
    assert view.text.startswith("low fired: ")
    window.panes.waterfall.asked.emit(1_600 * 10)
    assert "silence" in view.text
    window.moments.explain(10**9, session.stream)
    assert "its audio is gone" in window.panes.notice.text()
    window.moments.explain(1_600 * 10, session.stream - 1)
    assert "only the clip is there" in window.panes.notice.text()
    # No clip is kept, so there is nothing to label.
    assert not any(button.isEnabled() for button in view.label_buttons)


def test_another_model_brings_its_own_keywords(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    from dataclasses import replace

    other = make_model_folder(tmp_path / "other")
    window.apply(replace(session.settings, model=other))
    assert window.panes.model == other
    window.apply(replace(session.settings, model=tmp_path / "none"))
    assert "none" in window.panes.notice.text()
    assert window.panes.model == other


def test_the_history_is_exported(window: MainWindow, tmp_path: Path) -> None:
    window.panes.history.add([row(0), row(1)])
    window.rows.export(tmp_path / "heard.csv")
    assert (tmp_path / "heard.csv").read_text().count("\n") == 3
    window.rows.export(tmp_path / "heard.jsonl")
    assert (tmp_path / "heard.jsonl").read_text().startswith('{"v": 1, "event": "detection"')
    window.rows.export(tmp_path / "none" / "heard.csv")
    assert "cannot write" in window.panes.notice.text()


def test_only_what_has_audio_can_be_played(window: MainWindow, portaudio: FakeSounddevice) -> None:
    window.rows.play(row(1, clip=None))
    assert f"newest {MAX_CLIPS} detections" in window.panes.notice.text()
    window.rows.play(row(1, clip=np.zeros(100, np.int16)))
    window._player.join(5)
    assert [rate_hz for _, rate_hz in portaudio.played] == [RATE_HZ]


def test_closing_ends_every_thread(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    import threading

    listen(window, session, qtbot)
    before = time.monotonic()
    window.close()
    assert time.monotonic() - before < 2
    assert not [t for t in threading.enumerate() if t.name in ("scorer", "player")]
    assert portaudio.streams[-1].is_closed


def test_where_a_tray_stays_closing_only_hides(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    listen(window, session, qtbot)
    window.hides_on_close = lambda: True
    with qtbot.waitSignal(window.hidden_instead_of_closed, timeout=1_000):
        window.close()
    assert session.state is State.LISTENING
    window.hides_on_close = lambda: False


def test_everything_has_a_key(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    keys = [action.shortcut().toString() for action in window.menu_actions.values()]
    assert "" not in keys
    assert len(set(keys)) == len(keys)
    window.menu_actions["Pause or go on"].trigger()
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    asked: list[int] = []
    window.settings_asked.connect(lambda: asked.append(1))
    window.menu_actions["Settings…"].trigger()
    window.quit_asked.connect(lambda: asked.append(2))
    window.menu_actions["Quit"].trigger()
    assert asked == [1, 2]
    window.menu_actions["Keywords"].trigger()
    window.activateWindow()
    assert window.focusWidget() is window.panes.bars


def test_costs_are_told_in_words(window: MainWindow) -> None:
    window.panes.costs.show_backend("cpu", "not cuda: there is none")
    window.menu_actions["What listening costs"].trigger()
    assert QToolTip.text() == "Backend cpu: not cuda: there is none"
    QToolTip.hideText()


def test_a_long_name_leaves_room_for_the_others(
    window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    path = tmp_path / f"{'long_' * 30}.flac"
    window.toggle_recording(path)
    assert "…" in window.panes.record_button.text()
    assert window.panes.record_button.toolTip() == f"Recording to {path}"
    window.toggle_recording()
    assert window.panes.record_button.toolTip() == ""


def test_names_of_files_and_labels_are_no_markup(window: MainWindow) -> None:
    panes = window.panes
    word = next(iter(panes.last_word.findChildren(QLabel)))
    for label in (panes.state, panes.notice, panes.hint, panes.keeping, word):
        assert label.textFormat() == Qt.TextFormat.PlainText


def test_a_recording_is_told_in_the_title(window: MainWindow, tmp_path: Path, qtbot: Any) -> None:
    window.toggle_recording(tmp_path / "heard.flac")
    qtbot.waitUntil(lambda: window.windowTitle() == "● kws: paused, recording", timeout=10_000)
    window.toggle_recording()
    qtbot.waitUntil(lambda: window.windowTitle() == "kws: paused", timeout=10_000)


def test_another_theme_colours_the_state_too(window: MainWindow) -> None:
    assert DARK.muted in window.panes.state.styleSheet() or window.panes.state.text() == ""
    window.set_colours(LIGHT)
    assert LIGHT.muted in window.panes.state.styleSheet()


def test_what_was_refused_is_shown_as_it_is(
    window: MainWindow, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    refused: list[None] = []
    window.settings_refused.connect(lambda: refused.append(None))
    listen(window, session, qtbot)
    box = window.panes.picker.box
    chosen = box.currentText()
    box.addItem("Another", "another")
    box.setCurrentIndex(box.count() - 1)
    window.change(smoothing=1_000)
    assert "smoothing" in window.panes.notice.text()
    assert box.currentText() == chosen
    assert refused == [None]
    box.setCurrentIndex(box.count() - 1)
    window.change(realtime=True)  # of a microphone: no settings at all
    assert "realtime" in window.panes.notice.text()
    assert box.currentText() == chosen
    assert len(refused) == 2


def test_what_ended_a_stream_is_raised_when_all_else_has_ended(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []

    def close() -> None:
        raise RuntimeError("a fault")

    with monkeypatch.context() as patched:
        patched.setattr(window._player, "join", lambda timeout_s: ended.append("player"))
        patched.setattr(window.moments, "join", lambda timeout_s: ended.append("moments"))
        patched.setattr(session, "close", close)
        with pytest.raises(RuntimeError, match="a fault"):
            window.end()
    assert ended == ["player", "moments"]
    assert not window._slow.isActive()
