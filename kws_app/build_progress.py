"""Shows on a terminal that a plan is being built."""

from __future__ import annotations

import sys

from kws_app.streams import say

_WIDTH = 30
_STEP = 0.25


class BuildProgress:
    """A bar where somebody looks, and a line each quarter in a log.

    Args:
        quiet: Whether nothing is shown.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._told = -1.0
        self._is_terminal = sys.stderr is not None and sys.stderr.isatty()

    def show(self, name: str, share: float) -> None:
        """Show how far it is; called often, and never fails.

        Args:
            name: Who builds.
            share: 0 to 1.
        """
        if self._quiet or self._told >= 1:
            return
        step = 0.01 if self._is_terminal else _STEP
        if self._told >= 0 and share < self._told + step and share < 1:
            return
        self._told = share
        if not self._is_terminal:
            say(f"{name} builds its plan: {share:.0%}")
            return
        bar = "#" * round(_WIDTH * share)
        end = "\n" if share >= 1 else ""
        try:
            sys.stderr.write(f"\rkws: {name} builds its plan  [{bar:<{_WIDTH}}] {share:4.0%}{end}")
            sys.stderr.flush()
        except OSError:
            self._quiet = True
