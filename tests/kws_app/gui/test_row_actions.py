"""Detections are labelled from the history and from their explanation."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import soundfile
from fake_sounddevice import FakeSounddevice
from history_rows import row
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication
from signals import RATE_HZ, tone_stream

from kws_app.gui.colours import DARK
from kws_app.gui.history import COLUMNS
from kws_app.gui.main_window import MainWindow
from kws_app.gui.row_actions import ONLY_FIRED
from kws_app.gui.session import Session
from kws_app.gui.session_state import State
from kws_app.ledger.store import Ledger
from kws_app.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "heard"


@pytest.fixture
def session(
    tiny_folder: Path, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream()[: 4 * RATE_HZ], RATE_HZ)
    made = Session(Settings(model=tiny_folder, backend="cpu", input=str(path), ledger=folder))
    yield made
    made.close()


@pytest.fixture
def window(qtbot: Any, session: Session) -> MainWindow:
    """After the recording has ended: one detection."""
    made = MainWindow(session, DARK)
    qtbot.addWidget(made)
    made.resize(1_000, 700)
    made.show()
    made.toggle()
    qtbot.waitUntil(lambda: session.state is State.FINISHED, timeout=30_000)
    made.bridge.poll()
    assert made.panes.history.rowCount() == 1
    return made


def labels(folder: Path) -> list[str | None]:
    return [entry.label for entry in Ledger(folder).entries() if entry.kind == "detection"]


def shown_label(window: MainWindow) -> str:
    history = window.panes.history
    return str(history.data(history.index(0, COLUMNS.index("label"))))


def test_the_menu_labels_the_chosen_row(window: MainWindow, folder: Path) -> None:
    window.menu_actions["It was wrong"].trigger()
    assert labels(folder) == ["wrong"]
    assert shown_label(window) == "✗ wrong"
    assert window.panes.history.row(0).label == "wrong"
    assert "was wrong." in window.panes.notice.text()
    window.menu_actions["It was right"].trigger()
    assert labels(folder) == ["right"]
    assert shown_label(window) == "✓ right"
    table = window.panes.history_view.table
    assert not table.isColumnHidden(COLUMNS.index("label"))
    texts = [action.text().replace("&", "") for action in table.actions()]
    assert texts == ["Why did it fire?", "Play the clip", "Copy", "It was right", "It was wrong"]
    assert table.contextMenuPolicy() == Qt.ContextMenuPolicy.ActionsContextMenu


def test_its_keys_do_too(window: MainWindow, folder: Path, qtbot: Any) -> None:
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window, timeout=10_000)
    table = window.panes.history_view.table
    window.panes.history_view.take_focus()
    assert table.currentIndex().row() == 0
    qtbot.keyClick(table, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert labels(folder) == ["wrong"]
    qtbot.keyClick(table, Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    assert labels(folder) == ["right"]


def test_the_explanation_labels_what_fired(window: MainWindow, folder: Path, qtbot: Any) -> None:
    window.explain_newest()
    view = window.moments.view
    assert view is not None
    view.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is view, timeout=10_000)
    qtbot.keyClick(view, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    assert labels(folder) == ["wrong"]
    view.step_asked.emit(1)
    view.label_asked.emit("right")  # nothing fired there
    assert window.panes.notice.text() == ONLY_FIRED
    assert labels(folder) == ["wrong"]
    assert not any(button.isEnabled() for button in view.label_buttons)


def test_without_a_clip_the_window_says_how_to_have_one(
    window: MainWindow, session: Session
) -> None:
    window.change(ledger=None)
    window.rows.label(row(1), "right")
    assert "start with --ledger FOLDER" in window.panes.notice.text()
    assert window.panes.history.row(0).label == ""
