"""about.json of a ledger: the name of its speaker, and the keywords that were listened for."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine.files import read_plain_file
from kws_app.ledger.entries import parse_line
from kws_app.ledger.log import write_aside

NAME = "about.json"
_MAX_BYTES = 1 << 20
_SPEAKER = re.compile(r"ledger-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True)
class About:
    """What is known of a ledger as a whole.

    Attributes:
        speaker: Stands for whoever is heard: all clips of a ledger count as one speaker.
        keywords: What its models listened for.
    """

    speaker: str
    keywords: frozenset[str] = frozenset()


def read_about(folder: Path, keywords: Collection[str] = ()) -> About:
    """Read the file of a locked ledger, and write it when there is something to add.

    Args:
        folder: The ledger.
        keywords: What is listened for from now on.

    Raises:
        OSError: It cannot be read or written.
    """
    try:
        record = parse_line(read_plain_file(folder / NAME, _MAX_BYTES))
    except FileNotFoundError:
        record = None
    found = record if isinstance(record, dict) else {}
    speaker, words = found.get("speaker"), found.get("keywords")
    known = {word for word in words if isinstance(word, str)} if isinstance(words, list) else set()
    is_named = isinstance(speaker, str) and _SPEAKER.fullmatch(speaker) is not None
    about = About(
        speaker=str(speaker) if is_named else f"ledger-{secrets.token_hex(4)}",
        keywords=frozenset(known | set(keywords)),
    )
    if not is_named or about.keywords != known:
        record = {"speaker": about.speaker, "keywords": sorted(about.keywords)}
        write_aside(folder / NAME, json.dumps(record).encode() + b"\n")
    return about
