"""It says what happened, where the log is, and copies both."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QLabel, QPlainTextEdit

from kws_app.gui.crash_dialog import CrashDialog, show_crash_dialog


@pytest.fixture
def dialog(qtbot: QtBot) -> CrashDialog:
    made = CrashDialog("ValueError: odd", Path("/logs/kws.log"))
    qtbot.addWidget(made)
    return made


def test_what_it_says(dialog: CrashDialog) -> None:
    report = dialog.findChild(QPlainTextEdit, "report")
    assert report.toPlainText() == "ValueError: odd"
    assert report.isReadOnly()
    assert "/logs/kws.log" in dialog.findChild(QLabel, "log").text()


def test_copy_leaves_it_open(dialog: CrashDialog, qtbot: QtBot, qapp: QApplication) -> None:
    dialog.show()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert qapp.clipboard().text() == "ValueError: odd\n\nLog: /logs/kws.log"
    assert dialog.copy_button.text() == "Copied"
    assert dialog.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_it_waits_until_it_is_closed(qapp: QApplication) -> None:
    shown: list[str] = []

    def close() -> None:
        widget = qapp.activeModalWidget()
        shown.append(widget.windowTitle())
        widget.close()

    QTimer.singleShot(0, close)
    show_crash_dialog("ValueError: odd", Path("/logs/kws.log"))
    assert shown == ["kws: unexpected error"]
