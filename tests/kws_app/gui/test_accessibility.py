"""Everything can be reached by keyboard, has a name, and shows that it has the focus."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice
from history_rows import row
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QImage
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QWidget,
)
from signals import RATE_HZ

from engine.manifest import load_manifest
from kws_app.gui.colours import DARK, LIGHT, Colours
from kws_app.gui.crash_dialog import CrashDialog
from kws_app.gui.main_window import MainWindow
from kws_app.gui.panes import Panes
from kws_app.gui.session import Session
from kws_app.gui.settings_dialog import SettingsDialog
from kws_app.gui.theme import Theme
from kws_app.gui.widgets.moment_view import MomentView
from kws_app.gui.window_state import WindowState
from kws_app.settings import Settings

BOTH = pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])


@pytest.fixture
def session(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setitem(sys.modules, "sounddevice", FakeSounddevice())
    made = Session(Settings(model=tiny_folder, backend="cpu", rate=RATE_HZ))
    yield made
    made.close()


@pytest.fixture
def window(qtbot: Any, qapp: QApplication, session: Session, colours: Colours) -> MainWindow:
    Theme(qapp).apply("dark" if colours.dark else "light")
    made = MainWindow(session, colours)
    made.panes.history.add([row(1), row(2)])
    made.panes.history_view.show_labels(True)
    made.resize(1_000, 700)
    return shown(made, qtbot)


def shown(widget: Any, qtbot: Any) -> Any:
    qtbot.addWidget(widget)
    widget.show()
    widget.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is widget, timeout=10_000)
    return widget


def takes_focus(widget: QWidget) -> bool:
    """Not what belongs to a part that has the focus as a whole."""
    if widget.focusProxy() is not None:
        return False
    owners = (QComboBox, QAbstractSpinBox)
    parent = widget.parentWidget()
    while parent is not None and not parent.isWindow():
        if isinstance(parent, owners):
            return False
        parent = parent.parentWidget()
    return bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus) and not widget.isWindow()


def focusable(top: QWidget) -> list[QWidget]:
    return [w for w in top.findChildren(QWidget) if w.window() is top and takes_focus(w)]


def name_of(widget: QWidget) -> str:
    """As a screen reader gets it: its own name, its text, or that of its label."""
    name = widget.accessibleName()
    if not name and isinstance(widget, QAbstractButton):
        name = widget.text()
    for label in widget.window().findChildren(QLabel):
        if not name and label.buddy() is widget:
            name = label.text()
    return str(name).replace("&", "").strip()


def visited(top: QWidget, qtbot: Any) -> list[QWidget]:
    """What Tab comes by, once around."""
    found: list[QWidget] = []
    while (at := top.focusWidget()) not in found:
        assert at is not None
        found.append(at)
        qtbot.keyClick(at, Qt.Key.Key_Tab)
    return found


def pixels(widget: QWidget) -> np.ndarray:
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    data = image.constBits().asstring(image.sizeInBytes())
    return np.frombuffer(data, np.uint32)


@BOTH
def test_every_part_of_the_window_has_a_name(window: MainWindow) -> None:
    parts = focusable(window)
    assert len(parts) >= 14
    assert [type(part).__name__ for part in parts if not name_of(part)] == []


@BOTH
def test_tab_goes_as_the_eye_does(window: MainWindow, qtbot: Any) -> None:
    window.panes.toggle_button.setFocus(Qt.FocusReason.TabFocusReason)
    names = [name_of(part) for part in visited(window, qtbot)]
    assert names[0] == window.panes.toggle_button.text()
    assert names[1:] == [
        "Source: a microphone",
        "Look for microphones again",
        "Open…",
        "● Record…",
        "Settings…",
        "What the model sees, the last ten seconds",
        "Keywords and their thresholds",
        "History of detections",
        "Right",
        "Wrong",
        "Play",
        "Why?",
        "Copy",
        "Export…",
    ]
    assert len(names) == len([part for part in focusable(window) if part.isVisible()])


@BOTH
def test_the_focus_can_be_seen(window: MainWindow, qtbot: Any) -> None:
    parts = [part for part in focusable(window) if part.isVisible()]
    unseen = []
    for part in parts:
        other = next(p for p in parts if p is not part)
        other.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.keyClick(other, Qt.Key.Key_Shift)
        without = pixels(part)
        part.setFocus(Qt.FocusReason.TabFocusReason)
        assert part.hasFocus()
        window.setAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)
        if (pixels(part) != without).sum() < 8:
            unseen.append(name_of(part))
    assert unseen == []


def test_the_row_of_the_keys_scrolls_into_view(default_folder: Path, qtbot: Any) -> None:
    manifest = load_manifest(default_folder)
    panes = Panes(manifest, manifest.decision, DARK)
    panes.resize(900, 500)
    shown(panes, qtbot)
    panes.bars.setFocus()
    places: list[int] = []
    panes.bars.row_chosen.connect(places.append)
    for _ in manifest.keywords:
        qtbot.keyClick(panes.bars, Qt.Key.Key_Down)
        assert panes.bars.visibleRegion().contains(QPoint(10, places[-1]))
    assert places[-1] == panes.bars.row_y(manifest.keywords[-1]) > panes.height()


@pytest.mark.parametrize("page", range(5))
def test_the_settings_are_named_and_reached(session: Session, qtbot: Any, page: int) -> None:
    dialog = shown(SettingsDialog(session, WindowState()), qtbot)
    dialog.tabs.setCurrentIndex(page)
    dialog.tabs.tabBar().setFocus(Qt.FocusReason.TabFocusReason)
    parts = [part for part in focusable(dialog) if part.isVisible() and part.isEnabled()]
    assert len(parts) >= 2
    assert [type(part).__name__ for part in parts if not name_of(part)] == []
    reached = visited(dialog, qtbot)
    assert [name_of(part) for part in parts if part not in reached] == []


def test_the_explanation_is_named_and_reached(qtbot: Any) -> None:
    view = shown(MomentView(DARK), qtbot)
    view.table.setRowCount(2)
    view.table.setFocus(Qt.FocusReason.TabFocusReason)
    parts = [part for part in focusable(view) if part.isVisible() and part.isEnabled()]
    assert [type(part).__name__ for part in parts if not name_of(part)] == []
    reached = visited(view, qtbot)
    assert [name_of(part) for part in parts if part not in reached] == []


def test_the_report_of_an_error_is_named(qtbot: Any, tmp_path: Path) -> None:
    dialog = shown(CrashDialog("Traceback", tmp_path / "kws.log"), qtbot)
    assert [type(part).__name__ for part in focusable(dialog) if not name_of(part)] == []


def test_enter_is_no_click_on_another_button(
    session: Session, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Enter is pressed in a field, the field is meant."""
    monkeypatch.setattr("kws_app.gui.widgets.model_picker.ask_folder", lambda *_: None)
    dialog = shown(SettingsDialog(session, WindowState()), qtbot)
    clicked: list[str] = []
    dialog.models.other.clicked.connect(lambda: clicked.append("other"))
    dialog.smoothing.setFocus()
    qtbot.keyClick(dialog.smoothing, Qt.Key.Key_Return)
    assert clicked == []
    assert dialog.isVisible()
