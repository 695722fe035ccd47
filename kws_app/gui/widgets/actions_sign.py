"""A lasting sign of what the actions do; a click leads to their settings."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton, QWidget

from kws_app.gui.colours import Colours
from kws_app.gui.plain_text import plain_tip
from kws_app.gui.window_actions import ActionsState, summary


class ActionsSign(QPushButton):
    """Hidden where there are no actions.

    Args:
        colours: Theme.
        parent: Owner.
    """

    def __init__(self, colours: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = ActionsState()
        self.setFlat(True)
        self.set_colours(colours)

    def set_colours(self, colours: Colours) -> None:
        """Take another theme."""
        self._colours = colours
        self.show_state(self._state)

    def show_state(self, state: ActionsState) -> None:
        """Say whether they are on, and what is wrong with them."""
        self._state = state
        text, why = summary(state)
        colour = self._colours.accent if state.switch == "on" else self._colours.muted
        if text.startswith("⚠"):
            colour = self._colours.error
        self.setText(text)
        self.setAccessibleName(text or "Actions")
        self.setToolTip(plain_tip(why))
        self.setAccessibleDescription(why)
        self.setStyleSheet(f"color: {colour}")
        self.setVisible(bool(text))
