"""Tells what a microphone hears of the window's own clips, so that it does nothing. No Qt."""

from __future__ import annotations

import threading
from collections import deque

from engine.types import Detection
from kws_app.gui.player import Player
from kws_app.gui.session import Session

_REMEMBERED = 256  # the window looks four times a second at least


class OwnSound:
    """Decides once for each detection, on the scorer thread, and remembers it for the history.

    Args:
        session: A recording that it plays hears no loudspeaker.
        player: Plays clips.
    """

    def __init__(self, session: Session, player: Player) -> None:
        self._session = session
        self._player = player
        self._own: deque[Detection] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()

    def takes(self, detection: Detection) -> bool:
        """Whether it may come from a clip that plays, or did a moment ago."""
        is_own = self._session.settings.input is None and self._player.is_heard
        if is_own:
            with self._lock:
                self._own.append(detection)
        return is_own

    def took(self, detection: Detection) -> bool:
        """What `takes` answered; may be asked on any thread."""
        with self._lock:
            return any(detection is own for own in self._own)
