"""The window in its shell: settings that last, theme, tray, actions, and an end in order."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from actions import wait_until
from fake_sounddevice import FakeSounddevice
from processes import SLEEPER, is_alive
from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtWidgets import QApplication
from signals import RATE_HZ, tone_stream
from tiny_model import make_model_folder

from kws_app.actions.tables import read_actions
from kws_app.gui.app import Application
from kws_app.gui.colours import DARK, LIGHT
from kws_app.gui.preferences import Preferences
from kws_app.gui.session import State
from kws_app.gui.theme import Theme
from kws_app.gui.tray import Tray


class Quits(QObject):
    """Stands in for the application's last signal."""

    aboutToQuit = Signal()  # noqa: N815  Qt's name

    def quit(self) -> None:
        self.aboutToQuit.emit()


@pytest.fixture
def shell(
    qapp: QApplication, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[SimpleNamespace]:
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())
    path = tmp_path / "settings.toml"
    given = {"model": tiny_folder, "backend": "cpu", "rate": RATE_HZ}
    made = SimpleNamespace(
        application=Quits(),
        preferences=Preferences.load(path, given),
        theme=Theme(qapp),
        tray=Tray(),
    )
    made.theme.apply("dark")
    yield made
    made.tray.hide()


def started(shell: SimpleNamespace, qtbot: Any, actions: Any = ()) -> Application:
    application = Application(shell, actions)
    qtbot.addWidget(application.window)
    application.window.show()
    return application


def end(shell: SimpleNamespace) -> None:
    shell.application.aboutToQuit.emit()
    ended = ("scorer", "actions", "attention")
    assert not [thread.name for thread in threading.enumerate() if thread.name in ended]


def test_what_is_set_lasts(shell: SimpleNamespace, qtbot: Any) -> None:
    application = started(shell, qtbot)
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    application.window.set_threshold("low", 0.75)
    application.window.panes.settings_asked.emit()
    dialog = application._dialog
    assert dialog is not None
    dialog.smoothing.setValue(3)
    dialog.keywords.threshold_item("high").setData(Qt.ItemDataRole.EditRole, 0.8)
    dialog.theme.setCurrentText("light")
    assert application.window.panes.colours is LIGHT
    assert application.session.decision.smoothing_windows == 3
    qtbot.waitUntil(shell.preferences.path.exists, timeout=5_000)
    end(shell)
    shell.preferences.save()
    again = Preferences.load(shell.preferences.path)
    assert again.settings.threshold == {"low": 0.75, "high": 0.8}
    assert again.settings.smoothing == 3
    assert again.window.theme == "light"
    assert len(again.window.splitter_px) == len(again.window.column_px) == 2
    assert "rate" not in shell.preferences.path.read_text()  # that was a flag
    shell.theme.apply("dark")
    assert shell.theme.colours is DARK


def test_the_window_comes_back_as_it_was_left(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    shell.preferences.update_window(column_px=(250, 900))
    application = started(shell, qtbot)
    waterfall, history = application.window.panes.left.sizes()
    assert waterfall < history  # at first it is the other way round
    own = make_model_folder(tmp_path / "own")
    application.window.choose_model(own)
    assert shell.preferences.window.recent_models == (str(own),)
    application.window.settings_asked.emit()
    assert application._dialog is not None
    assert application._dialog.models.model.findData(str(own)) >= 0
    end(shell)


def test_the_tray_follows(shell: SimpleNamespace, qtbot: Any) -> None:
    application = started(shell, qtbot)
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    texts = [action.text() for action in shell.tray.menu.actions()]
    assert "&Pause" in texts
    shell.tray.pause_asked.emit(True)
    assert application.session.state is State.PAUSED
    assert "&Listen" in [action.text() for action in shell.tray.menu.actions()]
    end(shell)


def test_its_title_and_its_log_tell_how_it_goes(
    shell: SimpleNamespace,
    qtbot: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kws_app.gui.session._RETRY_S", (0.1,))
    fake = sys.modules["sounddevice"]
    devices, fake.devices = fake.devices, []
    application = started(shell, qtbot)
    title = application.window.windowTitle
    qtbot.waitUntil(lambda: title() == "kws: no device", timeout=10_000)
    # Looked for again and again, it is logged once.
    qtbot.waitUntil(lambda: fake.scans >= 2, timeout=30_000)
    fake.devices = devices
    qtbot.waitUntil(lambda: title() == "kws: listening", timeout=30_000)
    application.window.toggle()
    assert title() == "kws: paused"
    lines = [record.getMessage() for record in caplog.records if record.name == "kws.window"]
    assert len(lines) == 2
    assert lines[0].startswith("no device: there is no input device; plug in a microphone")
    assert lines[1] == "listening again"
    end(shell)


def test_the_end_waits_for_no_device_and_leaves_nothing_running(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device and the loudspeaker hang, an action and the list of devices take their time."""
    monkeypatch.setattr("engine.audio.microphone._CLOSE_S", 0.2)
    fake = sys.modules["sounddevice"]
    monkeypatch.setattr(fake, "play", lambda *_, **__: fake.answers.wait())
    pids = tmp_path / "pids"
    pids.mkdir()
    table = {"keyword": "low", "command": [sys.executable, "-c", SLEEPER, str(pids)]}
    shell.preferences.update({"actions": "on"})
    application = started(shell, qtbot, read_actions([table], tmp_path / "s.toml"))
    window, picker = application.window, application.window.panes.picker
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    for first in range(0, 4 * RATE_HZ, 320):
        fake.streams[-1].deliver(tone_stream()[first : first + 320])
        time.sleep(0.001)
    qtbot.waitUntil(lambda: window.panes.history.rowCount() == 1, timeout=20_000)
    qtbot.waitUntil(lambda: list(pids.iterdir()) != [], timeout=20_000)
    picker._program = (sys.executable, "-c", SLEEPER, str(pids))
    qtbot.waitUntil(lambda: picker.refresh() or len(list(pids.iterdir())) == 2, timeout=20_000)
    fake.answers.clear()
    try:
        window.rows.play(window.panes.history.row(0))
        end(shell)
        left = [thread for thread in threading.enumerate() if not thread.daemon]
        assert left == [threading.main_thread()]
        wait_until(lambda: not any(is_alive(int(path.name)) for path in pids.iterdir()))
    finally:
        fake.answers.set()


def test_its_log_names_no_files(
    shell: SimpleNamespace, qtbot: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shell.preferences.update({"input": "/home/me/secret.wav"})
    application = started(shell, qtbot)
    qtbot.waitUntil(lambda: application.window.windowTitle() == "kws: failed", timeout=10_000)
    assert "failed: no such file: <path>" in caplog.text
    assert "secret" not in caplog.text
    end(shell)


def test_a_window_that_was_never_moved_is_large_enough(shell: SimpleNamespace, qtbot: Any) -> None:
    application = started(shell, qtbot)
    window = application.window
    wanted = QSize(1_040, 700).boundedTo(window.screen().availableSize())
    assert window.size() == wanted.expandedTo(window.minimumSizeHint())
    end(shell)


def test_a_word_does_what_its_action_says(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    shell.preferences.update({"actions": "on", "input": str(path)})
    table = {"keyword": "low", "command": ["touch", str(done)]}
    application = started(shell, qtbot, read_actions([table], path))
    qtbot.waitUntil(done.exists, timeout=20_000)
    qtbot.waitUntil(lambda: "exit status 0" in application.window.panes.notice.text())
    end(shell)


def test_actions_that_cannot_be_done_are_told_and_listening_goes_on(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    shell.preferences.update({"actions": "on"})
    table = {"keyword": "lamp", "command": ["touch", "x"]}
    application = started(shell, qtbot, read_actions([table], tmp_path / "s.toml"))
    assert "'lamp' is not a keyword" in application.window.panes.notice.text()
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    end(shell)
