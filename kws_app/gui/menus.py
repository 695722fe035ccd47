"""The menu bar: everything that can be done, by keyboard too."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAction, QMainWindow

Entry = tuple[str, str, Callable[[], None]]


def add_menus(window: QMainWindow, menus: dict[str, list[Entry | None]]) -> dict[str, QAction]:
    """Fill the menu bar of a window.

    Args:
        window: The window.
        menus: Title to entries: text, shortcut (or "") and what is called; None draws a line.

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
            if shortcut:
                action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _=False, call=call: call())
            menu.addAction(action)
            made[text.replace("&", "")] = action
    return made
