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
from actions import detection, wait_until
from fake_sounddevice import FakeSounddevice
from processes import SLEEPER, is_alive
from qtpy.QtCore import QObject, QSize, Qt, Signal
from qtpy.QtWidgets import QApplication
from signals import RATE_HZ, tone_stream
from tiny_model import make_model_folder

from engine.errors import ConfigError
from kws_app.actions.tables import read_actions
from kws_app.gui.app import Application
from kws_app.gui.colours import DARK, LIGHT
from kws_app.gui.preferences import Preferences
from kws_app.gui.session_state import State
from kws_app.gui.theme import Theme
from kws_app.gui.toml_file import read_toml
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


def started(
    shell: SimpleNamespace, qtbot: Any, actions: Any = (), record: Path | None = None
) -> Application:
    application = Application(shell, actions, record=record)
    qtbot.addWidget(application.window)
    application.window.show()
    return application


def end(shell: SimpleNamespace) -> None:
    shell.application.aboutToQuit.emit()
    ended = ("scorer", "actions", "actions end", "attention")
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
    monkeypatch.setattr("kws_app.gui.session_retry._RETRY_S", (0.1,))
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
    shell: SimpleNamespace,
    qtbot: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also where a ledger has something to say at the same time."""
    shell.preferences.update({"actions": "on", "ledger": str(tmp_path / "heard")})
    table = {"keyword": "low", "command": ["no-such-program", "x"]}
    application = started(shell, qtbot, read_actions([table], tmp_path / "s.toml"))
    panes = application.window.panes
    assert "no program 'no-such-program'" in panes.notice.text()
    qtbot.waitUntil(lambda: "are kept in" in panes.notice.text(), timeout=10_000)
    assert application.session.state is State.LISTENING
    assert panes.actions_sign.isVisible()
    assert panes.actions_sign.text() == "⚠  Actions are off"
    assert "no program 'no-such-program'" in panes.actions_sign.toolTip()
    lines = [r.getMessage() for r in caplog.records if r.name == "kws.window.actions"]
    assert len(lines) == 1
    assert lines[0].startswith("actions are off: <path>, action 1: no program 'no-such-program'")
    assert "kws: actions are off: " in capsys.readouterr().err
    panes.actions_sign.click()
    dialog = application._dialog
    assert dialog is not None
    assert dialog.actions.isVisible()
    assert "no program 'no-such-program'" in dialog.actions.reason.text()
    assert dialog.actions.table.item(0).text() == "1.  low: command no-such-program x"
    end(shell)


def test_actions_are_switched_while_it_listens(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    tables = [{"keyword": "low", "command": ["touch", str(done)], "cooldown_s": 0}]
    shell.preferences.path.write_text(
        f'# mine\n[[action]]\nkeyword = "low"\ncommand = ["touch", "{done}"]\n'
    )
    application = started(shell, qtbot, read_actions(tables, tmp_path / "s.toml"))
    sign, notice = application.window.panes.actions_sign, application.window.panes.notice
    assert sign.text() == "Actions are off"
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    sign.click()
    assert application._dialog is not None
    box, stream = application._dialog.actions.switch, application.session.stream
    for name, text, said in (
        ("dry-run", "Actions: dry run", ": dry run"),
        ("on", "Actions are on", "exit status 0"),
    ):
        assert not done.exists()
        box.setCurrentIndex(box.findData(name))
        box.activated.emit(box.currentIndex())
        assert (sign.text(), box.currentData()) == (text, name)
        application.session.on_detection(detection("low"))
        qtbot.waitUntil(lambda said=said: said in notice.text(), timeout=20_000)
    assert done.exists()
    assert application.session.stream == stream  # listening went on
    path = shell.preferences.path
    qtbot.waitUntil(lambda: 'actions = "on"' in path.read_text(), timeout=10_000)
    assert read_toml(path)["action"][0]["keyword"] == "low"
    end(shell)


def test_what_the_window_plays_runs_nothing(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    tables = [{"keyword": "low", "command": ["touch", str(done)], "cooldown_s": 0}]
    shell.preferences.update({"actions": "on"})
    application = started(shell, qtbot, read_actions(tables, tmp_path / "s.toml"))
    player, notice = application.window._player, application.window.panes.notice
    player._ended_at_s = time.monotonic()
    application.session.on_detection(detection("low"))
    qtbot.waitUntil(lambda: "a clip was playing" in notice.text(), timeout=10_000)
    player._ended_at_s = float("-inf")
    assert not done.exists()
    application.session.on_detection(detection("low"))
    qtbot.waitUntil(done.exists, timeout=20_000)
    end(shell)


def test_what_was_not_saved_is_said_until_it_is(shell: SimpleNamespace, qtbot: Any) -> None:
    application = started(shell, qtbot)
    qtbot.waitUntil(lambda: application.session.state is State.LISTENING, timeout=10_000)
    panes, path = application.window.panes, shell.preferences.path
    path.write_text("smoothing = [[[\n")
    application.window.change(smoothing=3)
    qtbot.waitUntil(lambda: "settings are not saved" in panes.notice.text(), timeout=10_000)
    panes._notice_timer.stop()  # so it would stay
    path.write_text("# mended\n")
    application.window.change(smoothing=4)
    qtbot.waitUntil(lambda: not panes.notice.isVisible(), timeout=10_000)
    assert path.read_text().startswith("# mended\nsmoothing = 4\n")
    end(shell)


def test_a_recording_is_begun_with_it(shell: SimpleNamespace, qtbot: Any, tmp_path: Path) -> None:
    path, recorded = tmp_path / "tones.wav", tmp_path / "r.flac"
    soundfile.write(path, tone_stream()[: 2 * RATE_HZ], RATE_HZ)
    shell.preferences.update({"input": str(path)})
    application = started(shell, qtbot, record=recorded)
    button = application.window.panes.record_button
    qtbot.waitUntil(lambda: "Stop" in button.text(), timeout=10_000)
    qtbot.waitUntil(lambda: application.session.state is State.FINISHED, timeout=30_000)
    end(shell)
    samples, rate_hz = soundfile.read(recorded)
    assert (len(samples), rate_hz) == (2 * RATE_HZ, RATE_HZ)


def test_a_recording_that_cannot_be_written_is_refused(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="--record"):
        started(shell, qtbot, record=tmp_path / "none" / "r.flac")


def test_a_settings_file_that_does_not_fit_any_more_is_told_as_long_as_nothing_else_is(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "old.toml"
    path.write_text('keywords = ["gone", "low"]\nsmoothing = 200\n')
    given = {"model": shell.preferences.settings.model, "backend": "cpu", "rate": RATE_HZ}
    shell.preferences = Preferences.load(path, given)
    application = started(shell, qtbot)
    first, second = application.window.panes.notice.text().splitlines()
    assert first.startswith(f"keywords = gone,low in {path} is not used: 'gone' is not a keyword")
    assert second.startswith(f"smoothing = 200 in {path} is not used")
    assert not application.window.panes._notice_timer.isActive()
    application.window.panes.show_notice("another")
    assert application.window.panes._notice_timer.isActive()
    end(shell)


def test_a_file_that_names_what_has_gone_is_told_until_a_person_chooses(
    shell: SimpleNamespace, qtbot: Any, tmp_path: Path
) -> None:
    path: Path = shell.preferences.path
    text = f'model = "{tmp_path / "gone"}"\nsmoothing = 200\n\n[threshold]\nnobody = 0.5\n'
    path.write_text(text)
    shell.preferences = Preferences.load(path, {"backend": "cpu", "rate": RATE_HZ})
    application = started(shell, qtbot)
    panes = application.window.panes
    told = panes.notice.text()
    assert [line.partition(" = ")[0] for line in told.split("\n")] == [
        "model",
        "threshold",
        "smoothing",
    ]
    assert not panes._notice_timer.isActive()
    application._choose_model(tmp_path / "gone")  # refused
    shell.preferences.save()
    assert path.read_text() == text
    panes.show_notice(told, stays=True)
    application._choose_model(application.session.settings.model)
    assert panes.notice.isHidden()
    end(shell)
    shell.preferences.save()
    assert read_toml(path).keys() == {"window"}
