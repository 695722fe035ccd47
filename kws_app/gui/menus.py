"""The menu bar: everything that can be done, by keyboard too."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAction, QMainWindow

from kws_app.ledger.entries import RIGHT, WRONG

if TYPE_CHECKING:
    from kws_app.gui.main_window import MainWindow

Entry = tuple[str, str, Callable[[], object]]
Menus = dict[str, list[Entry | None]]

# From whichever window of the program has the focus.
_EVERYWHERE = ("Ctrl+Q", "Ctrl+P")


def menus_of(window: MainWindow) -> Menus:
    """What the window's menus hold."""
    panes = window.panes
    view = panes.history_view
    return {
        "&File": [
            ("&Open a recording…", "Ctrl+O", window.open_recording),
            ("&Record what the model hears…", "Ctrl+R", window.toggle_recording),
            ("&Export the history…", "Ctrl+E", window.rows.export),
            None,
            ("&Settings…", "Ctrl+,", window.settings_asked.emit),
            None,
            ("&Quit", "Ctrl+Q", window.quit_asked.emit),
        ],
        "&Listen": [
            ("&Pause or go on", "Ctrl+P", window.toggle),
            ("&Choose a microphone", "Ctrl+M", panes.picker.choose),
            ("&Default microphone", "Ctrl+D", lambda: window.choose_device(None)),
            ("&Look for microphones", "F5", panes.picker.refresh),
        ],
        "&Detection": [
            ("&Why did it fire?", "Ctrl+I", view.explain),
            ("P&lay the clip", "Ctrl+L", view.play),
            ("&Copy", "Ctrl+C", view.copy),
            None,
            ("It was &right", "Ctrl+Y", lambda: view.label(RIGHT)),
            ("It was wro&ng", "Ctrl+N", lambda: view.label(WRONG)),
        ],
        "&View": [
            ("&Waterfall", "Ctrl+G", panes.waterfall.setFocus),
            ("&Keywords", "Ctrl+K", panes.bars.setFocus),
            ("&History", "Ctrl+H", view.take_focus),
            None,
            ("What listening &costs", "Ctrl+T", panes.show_costs),
            ("Put out the lamp for cli&pping", "Ctrl+B", panes.level.put_out),
        ],
    }


def add_menus(window: QMainWindow, menus: Menus) -> dict[str, QAction]:
    """Fill the menu bar of a window.

    Args:
        window: The window.
        menus: Title to entries: text, shortcut and what is called; None draws a line.

    Returns:
        Text without its mark of access to action.
    """
    made = {}
    for title, entries in menus.items():
        menu = window.menuBar().addMenu(title)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
                continue
            text, shortcut, call = entry
            action = QAction(text, window)
            action.setShortcut(QKeySequence(shortcut))
            if shortcut in _EVERYWHERE:
                action.setShortcutContext(Qt.ShortcutContext.ApplicationShortcut)
            action.triggered.connect(lambda _=False, call=call: call())
            menu.addAction(action)
            made[text.replace("&", "")] = action
    return made
