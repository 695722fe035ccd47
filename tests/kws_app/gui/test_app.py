"""The window in its shell: settings that last, theme, tray, actions, and an end in order."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from qtpy.QtCore import QObject, Qt, Signal
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
    assert not [t.name for t in threading.enumerate() if t.name in ("scorer", "actions", "player")]


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
