"""A window is seen while it is shown, not minimised, and mapped by its display."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget

from benchmarks.desktop import DesktopWindow, a_display
from kws_app.gui.exposure import Exposure

ROOT = Path(__file__).parents[3]
PROGRAM = """
from qtpy.QtWidgets import QApplication, QWidget
from kws_app.gui.exposure import Exposure
application, window = QApplication(["seen"]), QWidget()
exposure = Exposure(window)
exposure.changed.connect(lambda is_seen: print(is_seen, flush=True))
window.show()
application.exec_()
"""


def test_shown_minimised_hidden(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    exposure = Exposure(window)
    told: list[bool] = []
    exposure.changed.connect(told.append)
    assert not exposure.is_seen
    window.show()
    qtbot.waitUntil(lambda: exposure.is_seen, timeout=10_000)
    window.showMinimized()
    qtbot.waitUntil(lambda: not exposure.is_seen, timeout=10_000)
    window.showNormal()
    qtbot.waitUntil(lambda: exposure.is_seen, timeout=10_000)
    window.hide()
    qtbot.waitUntil(lambda: not exposure.is_seen, timeout=10_000)
    assert told == [True, False, True, False]


def test_minimised_counts_although_its_display_still_shows_it(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some desktops keep a small picture of it alive."""
    window = QWidget()
    qtbot.addWidget(window)
    exposure = Exposure(window)
    window.show()
    qtbot.waitUntil(lambda: exposure.is_seen, timeout=10_000)
    monkeypatch.setattr(window, "isMinimized", lambda: True)
    QApplication.sendEvent(window, QEvent(QEvent.Type.WindowStateChange))
    assert window.windowHandle().isExposed()
    assert not exposure.is_seen


def test_what_a_window_manager_unmaps_is_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    try:
        display = a_display()
        name, _ = display.__enter__()
    except SystemExit as why:
        pytest.skip(str(why))
    command = [sys.executable, "-c", PROGRAM]
    monkeypatch.setenv("DISPLAY", name)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert program.stdout is not None
    try:
        assert program.stdout.readline() == "True\n"
        window = DesktopWindow(name, program)
        window.hide()
        assert program.stdout.readline() == "False\n"
        window.show(200, 100)
        assert program.stdout.readline() == "True\n"
        window.close()
    finally:
        program.kill()
        program.communicate()
        display.__exit__(None, None, None)
