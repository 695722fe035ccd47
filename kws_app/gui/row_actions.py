"""What can be done with what was heard: played, labelled, exported."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QWidget

from engine.errors import KwsError
from kws_app.gui import files
from kws_app.gui.history import MAX_CLIPS, HeardRow, History
from kws_app.gui.player import Player
from kws_app.gui.session import Session

ONLY_FIRED = "Only what fired is labelled here; near misses are by kws ledger review FOLDER."


class RowActions(QObject):
    """Does it, and says what came of it.

    Args:
        session: Has the ledger.
        history: The rows.
        player: Plays clips.
        owner: Owner of the dialogs.
    """

    notice = Signal(str)

    def __init__(self, session: Session, history: History, player: Player, owner: QWidget) -> None:
        super().__init__(owner)
        self._session = session
        self._history = history
        self._player = player
        self._owner = owner

    def play(self, row: HeardRow) -> None:
        """Play the audio of a detection."""
        if row.clip is None:
            self.notice.emit(
                f"Only the newest {MAX_CLIPS} detections keep their audio; the ledger keeps more."
            )
        elif not self._player.start(row.clip, self._session.manifest.fbank.sample_rate_hz):
            self.notice.emit("Another clip is playing.")

    def label(self, row: HeardRow, label: str) -> None:
        """Say in the ledger what a detection was: "right" or "wrong"."""
        try:
            self._session.ledger.label(row.stream, row.time_s, row.keyword, label)
        except KwsError as err:
            self.notice.emit(str(err))
        else:
            self._history.set_label(row, label)
            self.notice.emit(f"{row.keyword} at {row.at:%H:%M:%S} was {label}.")

    def label_window(self, stream: int, end_sample: int, label: str) -> None:
        """The same for what fired in a window."""
        row = self._history.find(stream, end_sample)
        if row is None:
            self.notice.emit(ONLY_FIRED)
        else:
            self.label(row, label)

    def export(self, path: Path | None = None) -> None:
        """Write the history to a file: CSV, or JSON lines by its suffix."""
        path = path or files.ask_table_to_write(self._owner)
        if path is not None:
            self.notice.emit(files.write_history(path, self._history.rows()))
