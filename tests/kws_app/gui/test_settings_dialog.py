"""What is set counts at once, without a restart; what fails comes back and is told."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QWidget
from signals import RATE_HZ
from tiny_model import make_model_folder

from engine.types import Started
from kws_app.gui.colours import DARK
from kws_app.gui.main_window import MainWindow
from kws_app.gui.session import Session
from kws_app.gui.session_state import State
from kws_app.gui.settings_dialog import SettingsDialog
from kws_app.gui.widgets.model_picker import ModelPicker
from kws_app.gui.window_state import WindowState
from kws_app.settings import Settings


@pytest.fixture
def window(qtbot: Any, session: Session) -> MainWindow:
    made = MainWindow(session, DARK)
    qtbot.addWidget(made)
    made.show()
    made.toggle()
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    return made


@pytest.fixture
def dialog(qtbot: Any, window: MainWindow, session: Session) -> SettingsDialog:
    """Tied to the window as the application does it."""
    made = SettingsDialog(session, WindowState())
    qtbot.addWidget(made)
    made.settings_wanted.connect(lambda changes: window.change(**changes))
    made.model_wanted.connect(window.choose_model)
    made.threshold_wanted.connect(window.set_threshold)
    made.enabled_wanted.connect(window.set_enabled)
    window.state_changed.connect(lambda *_: made.show_session())
    made.show()
    return made


def choose(box: Any, data: object) -> None:
    place = box.findData(data)
    assert place >= 0
    box.setCurrentIndex(place)
    box.activated.emit(place)


def test_smoothing_and_refractory_period_reach_what_decides(
    dialog: SettingsDialog, session: Session, portaudio: FakeSounddevice, qtbot: Any
) -> None:
    dialog.smoothing.setValue(4)
    dialog.refractory.setValue(1.5)
    for _ in range(60):
        portaudio.streams[-1].deliver(np.zeros(320, np.float32))
    qtbot.waitUntil(lambda: bool(session.memory.moments()), timeout=10_000)
    decided = session.memory.moments()[-1].decision
    assert (decided.smoothing_windows, decided.refractory_samples) == (4, round(1.5 * RATE_HZ))
    assert len(portaudio.streams) == 1  # nothing was opened again
    dialog.own.click()
    assert session.settings.smoothing is None
    assert dialog.smoothing.value() == session.manifest.decision.smoothing_windows


def test_a_model_is_picked_with_its_own_thresholds(
    dialog: SettingsDialog, window: MainWindow, session: Session, tmp_path: Path, qtbot: Any
) -> None:
    window.set_threshold("low", 0.9)
    other = make_model_folder(tmp_path / "other")
    dialog.models.choose_other(other)
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    assert session.manifest.folder == other
    assert session.settings.threshold == {}
    assert session.decision.operating_points["low"].threshold == 0.6
    assert dialog.models.model.currentData() == str(other)
    assert dialog.models.model.currentText() == "tiny (other, below 1 MB)"
    dialog.models.choose_other(tmp_path)  # none
    assert session.manifest.folder == other
    assert dialog.models.model.currentData() == str(other)
    assert "manifest.json" in window.panes.notice.text()


def test_a_backend_that_fails_gives_way_and_the_settings_follow(
    dialog: SettingsDialog,
    window: MainWindow,
    session: Session,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    saved: list[Settings] = []
    window.settings_changed.connect(saved.append)
    choose(dialog.models.backend, "tensorrt")
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)
    qtbot.waitUntil(lambda: "Back to backend cpu" in window.panes.notice.text(), timeout=10_000)
    assert "tensorrt is not installed" in window.panes.notice.text()
    assert dialog.models.backend.currentData() == "cpu"
    # What did not work is not what the next start finds.
    assert all(settings.backend == "cpu" for settings in saved)


def test_a_device_that_fails_is_not_kept_either(
    window: MainWindow, session: Session, qtbot: Any
) -> None:
    saved: list[str | None] = []
    window.settings_changed.connect(lambda settings: saved.append(settings.device))
    window.choose_device("Webcam Mic 2")
    qtbot.waitUntil(lambda: saved == ["Webcam Mic 2", None], timeout=10_000)
    qtbot.waitUntil(lambda: session.state is State.LISTENING, timeout=10_000)


def test_the_reason_why_nothing_faster_was_taken(
    qtbot: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    page = QWidget()
    qtbot.addWidget(page)
    picker = ModelPicker(QFormLayout(page), page)
    started = Started(
        source="mic",
        sample_rate_hz=16_000,
        backend="cpu",
        backend_reason="not cuda: ONNX Runtime has no CUDAExecutionProvider",
    )
    picker.show_choices(session.manifest, "auto", started)
    text = picker.reason.text()
    assert text.startswith("In use: cpu (not cuda: ONNX Runtime has no CUDAExecutionProvider).")
    assert "tensorrt: tensorrt is not installed" in text
    texts = [picker.backend.itemText(i) for i in range(picker.backend.count())]
    assert texts[0] == "auto"
    assert texts[1] == "tensorrt  (not available)"
    assert picker.backend.currentData() == "auto"


def test_the_ledger_is_switched_on_limited_and_off(
    dialog: SettingsDialog, session: Session, window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    box = dialog.ledger
    assert not box.keep.isChecked()
    box.choose_folder(tmp_path / "heard")
    assert box.keep.isChecked()
    assert box.folder.text() == str(tmp_path / "heard")
    assert session.ledger.folder == tmp_path / "heard"
    qtbot.waitUntil(lambda: window.panes.keeping.isVisible(), timeout=10_000)
    assert window.panes.keeping.text() == "✎  Keeping clips"
    box.days.setValue(3)
    box.megabytes.setValue(50)
    assert (session.settings.ledger_days, session.settings.ledger_mb) == (3, 50)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    box.choose_folder(tmp_path / "mine")
    assert "is no ledger" in window.panes.notice.text()
    assert box.folder.text() == str(tmp_path / "heard")
    box.keep.click()
    assert session.settings.ledger is None
    assert not box.keep.isChecked()
    qtbot.waitUntil(lambda: not window.panes.keeping.isVisible(), timeout=10_000)


def test_a_keyword_is_switched_and_its_threshold_changed_by_keyboard(
    dialog: SettingsDialog, session: Session, window: MainWindow, qtbot: Any
) -> None:
    dialog.tabs.setCurrentIndex(1)
    table = dialog.keywords
    table.setFocus()
    table.setCurrentCell(0, 0)
    qtbot.keyClick(table, Qt.Key.Key_Space)
    assert list(session.decision.operating_points) == ["high"]
    table.setCurrentCell(1, 0)
    qtbot.keyClick(table, Qt.Key.Key_Space)  # one at least must stay
    assert table.item(1, 0).checkState() == Qt.CheckState.Checked
    assert "name at least one" in window.panes.notice.text()
    table.setCurrentCell(1, 1)
    qtbot.keyClick(table, Qt.Key.Key_F2)
    editor = table.focusWidget()
    assert editor.accessibleName() == "Threshold of high"
    editor.setValue(0.815)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.settings.threshold == {"high": 0.815}, timeout=10_000)
    # A threshold that is moved in the window shows here as well.
    window.set_threshold("high", 0.7)
    dialog.show_session()
    assert table.threshold_item("high").text() == "0.7"


def test_a_large_or_broken_number_of_the_file_is_shown_as_it_is(
    dialog: SettingsDialog, session: Session
) -> None:
    dialog.ledger.show_settings(replace(session.settings, ledger_days=0.5, ledger_mb=200.0))
    assert dialog.ledger.days.text() == "0.50 days"
    assert dialog.ledger.megabytes.text() == "200 MB"


def test_half_a_number_is_not_meant(dialog: SettingsDialog, session: Session, qtbot: Any) -> None:
    for box, typed in (
        (dialog.smoothing, "12"),
        (dialog.refractory, "2.5"),
        (dialog.ledger.days, "14"),
    ):
        before = session.settings
        box.selectAll()
        qtbot.keyClicks(box, typed)
        assert session.settings is before
        qtbot.keyClick(box, Qt.Key.Key_Return)
    assert (session.settings.smoothing, session.settings.refractory) == (12, 2.5)
    assert session.settings.ledger_days == 14


def typed(box: Any, text: str, qtbot: Any) -> None:
    box.folder.setFocus()
    box.folder.selectAll()
    qtbot.keyClicks(box.folder, text)
    qtbot.keyClick(box.folder, Qt.Key.Key_Return)


def test_a_new_folder_for_the_ledger_is_typed(
    dialog: SettingsDialog, session: Session, window: MainWindow, tmp_path: Path, qtbot: Any
) -> None:
    dialog.tabs.setCurrentIndex(2)
    box = dialog.ledger
    typed(box, str(tmp_path / "new"), qtbot)
    assert session.settings.ledger is None  # nothing is kept until it is switched on
    window.change(smoothing=3)
    dialog.show_session()  # what happens meanwhile leaves the field alone
    box.keep.click()
    assert session.ledger.folder == tmp_path / "new"
    assert (tmp_path / "new" / "ledger.jsonl").exists()
    typed(box, str(tmp_path / "newer"), qtbot)
    assert session.ledger.folder == tmp_path / "newer"
    assert not box.problem.isVisible()
    typed(box, str(tmp_path / "none" / "nested"), qtbot)
    assert "No such file or directory" in box.problem.text()
    assert box.problem.isVisible()
    assert box.folder.text() == str(tmp_path / "newer")
    assert session.ledger.folder == tmp_path / "newer"


def test_a_place_for_the_ledger_is_offered(
    dialog: SettingsDialog,
    session: Session,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    box = dialog.ledger
    box.folder.clear()
    dialog.show_session()
    assert box.folder.text() == str(tmp_path / "share" / "kws" / "heard")
    assert not (tmp_path / "share").exists()
    box.keep.click()
    assert session.settings.ledger == tmp_path / "share" / "kws" / "heard"
    assert session.settings.ledger.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("HOME", str(tmp_path))
    typed(box, "~/words", qtbot)
    assert session.settings.ledger == tmp_path / "words"
    typed(box, "here", qtbot)
    assert session.settings.ledger == tmp_path / "here"
    monkeypatch.setattr("kws_app.gui.widgets.ledger_box.ask_folder", lambda *_: tmp_path / "b")
    box.choose.click()
    assert session.settings.ledger == tmp_path / "b"
