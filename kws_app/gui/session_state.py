"""What a session says of itself. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from engine.types import Heard, StreamStats
from kws_app.gui.memory import Level, Moment
from kws_app.gui.stretch import Stretch


class State(Enum):
    """What the window says it is doing."""

    STARTING = "starting"
    LISTENING = "listening"
    PAUSED = "paused"
    RECOVERING = "recovering"
    NO_DEVICE = "no device"
    FINISHED = "end of the recording"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Update:
    """What happened since the last poll.

    Attributes:
        heard: Detections.
        earlier: Detections of streams that have ended since, in order, each with its stream.
        moments: Windows that were scored.
        level: How loud it was.
        stats: The newest report, if there was one.
        is_changed: Whether the state, the source or the backend is another one.
        notices: Lines for people.
    """

    heard: list[Heard] = field(default_factory=list)
    earlier: list[tuple[Stretch, list[Heard]]] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    level: Level = field(default_factory=Level)
    stats: StreamStats | None = None
    is_changed: bool = False
    notices: list[str] = field(default_factory=list)
