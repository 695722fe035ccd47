"""What a session has not told the window yet. No Qt."""

from __future__ import annotations

from engine.types import Heard, StreamStats
from kws_app.gui.memory import LastMinute
from kws_app.gui.session_state import Update
from kws_app.gui.session_stream import Ended
from kws_app.gui.stretch import Stretch


class News:
    """Collects what happens between two looks of the window.

    Attributes:
        is_changed: Whether the state, the source or the backend is another one.
    """

    def __init__(self) -> None:
        self.is_changed = True
        self._notices: list[str] = []
        self._earlier: list[tuple[Stretch, list[Heard]]] = []
        self._defect: BaseException | None = None

    def tell(self, notice: str) -> None:
        """Take a line for people."""
        self._notices.append(notice)

    def add_earlier(self, stretch: Stretch, heard: list[Heard]) -> None:
        """Take detections of a stream that has ended."""
        if heard:
            self._earlier.append((stretch, heard))

    def add_end(self, stretch: Stretch, ended: Ended) -> None:
        """Take what a stream left behind."""
        self.add_earlier(stretch, ended.heard)
        if ended.notice:
            self.tell(ended.notice)
        self._defect = ended.defect or self._defect

    def raise_defect(self) -> None:
        """Raise what no part of the program may raise, once; the crash guard tells of it."""
        defect, self._defect = self._defect, None
        if defect is not None:
            raise defect

    def take(self, heard: list[Heard], stats: StreamStats | None, memory: LastMinute) -> Update:
        """Everything since the last call.

        Args:
            heard: Detections of the stream that is listened to.
            stats: Its newest report, if there was one.
            memory: Its last minute.

        Raises:
            BaseException: What ended a stream and no KwsError; what else there is comes with the
                next call.
        """
        if not heard:  # else with the next call: these could not be told again
            self.raise_defect()
        notices, self._notices = self._notices, []
        earlier, self._earlier = self._earlier, []
        is_changed, self.is_changed = self.is_changed, False
        return Update(
            heard=heard,
            earlier=earlier,
            moments=memory.take_fresh(),
            level=memory.take_level(),
            stats=stats,
            is_changed=is_changed,
            notices=notices,
        )
