"""How many clips a run is trained on and measured by: of each word, of people and of programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.data.clip_source import ClipItem
from training.data.clips import SAMPLE_RATE_HZ, Clip

PEOPLE, PROGRAMS = "people", "programs"


def count_clips(clips: Iterable[Clip]) -> dict[str, Any]:
    """Count clips in memory.

    Args:
        clips: Of one split.

    Returns:
        `words` and `backgrounds`: name to clips of people and of programs; `speakers`: those that
        are known by name, of both; `hours` of both.
    """
    words: dict[str, dict[str, int]] = defaultdict(_both)
    backgrounds: dict[str, dict[str, int]] = defaultdict(_both)
    speakers: dict[str, set[str]] = {PEOPLE: set(), PROGRAMS: set()}
    hours = {PEOPLE: 0.0, PROGRAMS: 0.0}
    for clip in clips:
        who = PROGRAMS if clip.synthetic else PEOPLE
        (words[clip.word] if clip.word else backgrounds[clip.kind])[who] += 1
        hours[who] += len(clip.samples) / SAMPLE_RATE_HZ / 3600
        if is_named(clip.speaker, clip.path):
            speakers[who].add(clip.speaker)
    return {
        "words": dict(sorted(words.items())),
        "backgrounds": dict(sorted(backgrounds.items())),
        "speakers": {who: len(names) for who, names in speakers.items()},
        "hours": {who: round(total, 4) for who, total in hours.items()},
    }


def count_items(
    items: Sequence[ClipItem], names: Sequence[str], *, by_programs: bool = False
) -> dict[str, Any]:
    """Count clips that are not in memory; how long they are is not known.

    Args:
        items: Of one split.
        names: Labels by index.
        by_programs: Whether programs speak in all of them.
    """
    who = PROGRAMS if by_programs else PEOPLE
    words: dict[str, dict[str, int]] = defaultdict(_both)
    speakers = set()
    for item in items:
        for label in item.labels:
            words[names[label]][who] += 1
        speaker = _named_speaker(item.name)
        if speaker:
            speakers.add(speaker)
    return {
        "words": dict(sorted(words.items())),
        "backgrounds": {},
        "speakers": {**dict.fromkeys((PEOPLE, PROGRAMS), 0), who: len(speakers)},
        "hours": None,
    }


def is_named(speaker: str, path: str) -> bool:
    """Whether somebody is known to speak: a file's own name, taken for want of one, is nobody's."""
    return bool(speaker) and speaker != Path(path).stem


def _named_speaker(path: str) -> str:
    before, found, _ = Path(path).name.partition("_nohash_")
    return before if found else ""


def _both() -> dict[str, int]:
    return {PEOPLE: 0, PROGRAMS: 0}
