"""What a detection is looked up in: the stream that it was heard in. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

from kws_app.gui.memory import LastMinute


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One stream: a sample index means something within it only.

    Attributes:
        stream: Its number.
        source: Name of its source, or "" if it had not begun.
        rate_hz: Rate of the model.
        memory: Its last minute.
    """

    stream: int
    source: str
    rate_hz: int
    memory: LastMinute
