"""The tray shows what it is told, and says what was chosen."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QAction, QApplication, QSystemTrayIcon

from kws_app.gui.icons import STATES
from kws_app.gui.tray import Tray


@pytest.fixture
def tray(qapp: QApplication) -> Iterator[Tray]:
    made = Tray()
    yield made
    made.hide()
    made.deleteLater()


def action(tray: Tray, text: str) -> QAction:
    return next(item for item in tray.menu.actions() if item.text().replace("&", "") == text)


def texts(tray: Tray) -> list[str]:
    return [item.text().replace("&", "") for item in tray.menu.actions() if item.text()]


def test_the_menu(tray: Tray) -> None:
    assert texts(tray) == ["Hide window", "Pause", "No word yet", "Quit"]
    assert not action(tray, "No word yet").isEnabled()


def test_showing_and_hiding(tray: Tray, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tray.window_asked) as asked:
        action(tray, "Hide window").trigger()
    assert asked.args == [False]
    tray.set_window_visible(False)
    with qtbot.waitSignal(tray.window_asked) as asked:
        action(tray, "Show window").trigger()
    assert asked.args == [True]
    tray.set_window_visible(True)
    assert "Hide window" in texts(tray)


def test_pausing_and_going_on(tray: Tray, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tray.pause_asked) as asked:
        action(tray, "Pause").trigger()
    assert asked.args == [True]
    for state in ("paused", "error"):
        tray.set_state(state)
        with qtbot.waitSignal(tray.pause_asked) as asked:
            action(tray, "Listen").trigger()
        assert asked.args == [False]
    tray.set_state("listening")
    assert "Pause" in texts(tray)


def test_quitting(tray: Tray, qtbot: QtBot) -> None:
    with qtbot.waitSignal(tray.quit_asked):
        action(tray, "Quit").trigger()


def test_the_last_word(tray: Tray) -> None:
    tray.set_last_word("yes & no, 12:04:05")
    assert not action(tray, "yes  no, 12:04:05").isEnabled()
    assert tray.menu.actions()[3].text() == "yes && no, 12:04:05"


def test_every_state_has_its_icon_and_its_text(tray: Tray) -> None:
    icon = tray.findChild(QSystemTrayIcon)
    seen = set()
    for state in STATES:
        tray.set_state(state)
        seen.add((icon.icon().cacheKey(), icon.toolTip()))
    assert len(seen) == 3


def test_a_click_on_the_icon_is_like_the_first_line(tray: Tray, qtbot: QtBot) -> None:
    icon = tray.findChild(QSystemTrayIcon)
    asked: list[bool] = []
    tray.window_asked.connect(asked.append)
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Context)
    assert asked == []
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    assert asked == [False]


def test_without_a_tray_closing_the_window_ends_the_program(tray: Tray) -> None:
    QApplication.setQuitOnLastWindowClosed(False)
    assert tray.show(keep_running=True) is False
    assert QApplication.quitOnLastWindowClosed()
    tray.notify("nobody sees it")


@pytest.mark.parametrize("keep_running", [False, True])
def test_with_a_tray_it_may_stay(
    tray: Tray, monkeypatch: pytest.MonkeyPatch, keep_running: bool
) -> None:
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    assert tray.available
    assert tray.show(keep_running=keep_running) is keep_running
    assert QApplication.quitOnLastWindowClosed() is not keep_running
    tray.hide()
    assert QApplication.quitOnLastWindowClosed()


def test_messages_go_to_the_desktop(tray: Tray, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "supportsMessages", staticmethod(lambda: True))
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda _, title, text, *__: sent.append(text)
    )
    tray.notify("too early")
    tray.show(keep_running=True)
    tray.notify("heard yes")
    assert sent == ["heard yes"]
