"""Counting events: which detections hit which references, and what the others are."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

HIT_GRACE_S = 0.75


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A keyword that was truly spoken.

    Attributes:
        keyword: The word.
        onset_s: Where it begins.
        offset_s: Where it ends.
        speaker: Who spoke it; empty where nobody knows.
        synthetic: Whether a program spoke it.
    """

    keyword: str
    onset_s: float
    offset_s: float
    speaker: str = ""
    synthetic: bool = False

    def covers(self, time_s: float) -> bool:
        """Whether a detection at this time may be of this word."""
        return self.onset_s <= time_s <= self.offset_s + HIT_GRACE_S


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A detection as a stream time.

    Attributes:
        keyword: The word.
        time_s: End of the window that fired.
    """

    keyword: str
    time_s: float


class Cause(Enum):
    """What a detection that hit nothing is; all of them are false alarms."""

    SUBSTITUTION = "substitution"  # while another keyword was spoken and missed
    DUPLICATE = "duplicate"  # of a word that had been heard already
    FALSE_ALARM = "false alarm"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """A detection that hit nothing.

    Attributes:
        heard: The detection.
        cause: What it is.
        spoken: The keyword that was spoken then, if any.
    """

    heard: Heard
    cause: Cause
    spoken: str = ""


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Outcome of one stream.

    Attributes:
        hits: References with the detection that hit them, in order of the detections.
        missed: References without a detection.
        alarms: Detections without a reference.
    """

    hits: tuple[tuple[Reference, Heard], ...]
    missed: tuple[Reference, ...]
    alarms: tuple[Alarm, ...]

    @property
    def references(self) -> int:
        """How many words were spoken."""
        return len(self.hits) + len(self.missed)

    @property
    def miss_rate(self) -> float:
        """Missed references over all references; NaN without references."""
        return len(self.missed) / self.references if self.references else float("nan")

    @property
    def latencies_s(self) -> tuple[float, ...]:
        """Detection time minus the word's end, one for each hit."""
        return tuple(heard.time_s - reference.offset_s for reference, heard in self.hits)

    def count(self, cause: Cause) -> int:
        """Alarms of one cause."""
        return sum(alarm.cause is cause for alarm in self.alarms)


def match_events(references: Sequence[Reference], detections: Sequence[Heard]) -> Matching:
    """Match detections to references, in order of time, each at most once.

    A hit is a detection of the right keyword between the word's onset and 0.75 s after its
    offset. Everything else is a false alarm: a second detection of the same word, too, and one of
    another word.

    Args:
        references: What was spoken.
        detections: What was detected.
    """
    waiting = deque(sorted(references, key=lambda reference: reference.onset_s))
    hits: list[tuple[Reference, Heard]] = []
    missed: list[Reference] = []
    unmatched = []
    for heard in sorted(detections, key=lambda detection: detection.time_s):
        while waiting and heard.time_s > waiting[0].offset_s + HIT_GRACE_S:
            missed.append(waiting.popleft())
        match = _first_match(waiting, heard)
        if match is None:
            unmatched.append(heard)
        else:
            waiting.remove(match)
            hits.append((match, heard))
    missed += waiting
    found = [reference for reference, _ in hits]
    alarms = tuple(_explained(heard, missed, found) for heard in unmatched)
    return Matching(hits=tuple(hits), missed=tuple(missed), alarms=alarms)


def _first_match(waiting: Iterable[Reference], heard: Heard) -> Reference | None:
    for reference in waiting:
        if reference.onset_s > heard.time_s:
            break
        if reference.keyword == heard.keyword and reference.covers(heard.time_s):
            return reference
    return None


def _explained(heard: Heard, missed: Sequence[Reference], found: Sequence[Reference]) -> Alarm:
    for reference in found:
        if reference.keyword == heard.keyword and reference.covers(heard.time_s):
            return Alarm(heard=heard, cause=Cause.DUPLICATE, spoken=reference.keyword)
    for reference in missed:
        if reference.covers(heard.time_s):
            return Alarm(heard=heard, cause=Cause.SUBSTITUTION, spoken=reference.keyword)
    return Alarm(heard=heard, cause=Cause.FALSE_ALARM)
