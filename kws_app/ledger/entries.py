"""What the ledger says of one clip, and what a person says of it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from engine.errors import ConfigError
from kws_app.arguments import hint

DETECTION = "detection"
NEAR_MISS = "near miss"
KINDS = (DETECTION, NEAR_MISS)
RIGHT, WRONG = "right", "wrong"
UNKNOWN_FOLDER = "_unknown_"

# Crockford's 32 characters: none that is mistaken for another one.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
ID_CHARACTERS = 5
_ID = re.compile(f"[{_DIGITS}]{{{ID_CHARACTERS},40}}")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One detection or near miss.

    Attributes:
        id: Short name, also of the clip.
        utc: When it was heard, in UTC.
        time_s: End of the window in the source, in seconds.
        keyword: The keyword that fired, or almost.
        kind: "detection" or "near miss".
        reason: Why a near miss did not fire; None for a detection.
        score: Smoothed posterior, of a near miss its peak.
        threshold: The threshold.
        model: Name of the model.
        model_sha256: Hash of its ONNX file.
        source: Name of the source.
        clip_bytes: Size of the clip.
        label: None, "right", "wrong", or the keyword that it is; a keyword that is itself called
            right or wrong has "=" before it.
    """

    id: str = ""
    utc: datetime
    time_s: float
    keyword: str
    kind: str
    reason: str | None
    score: float
    threshold: float
    model: str
    model_sha256: str
    source: str
    clip_bytes: int = 0
    label: str | None = None

    @property
    def clip(self) -> str:
        """Name of the clip in the ledger's folder."""
        return f"{self.id}.flac"

    @property
    def spoken(self) -> str | None:
        """Folder of the word that the clip holds, by its label; None without one."""
        if self.label is None:
            return None
        if self.label == RIGHT:
            return self.keyword
        return UNKNOWN_FOLDER if self.label == WRONG else self.label.removeprefix("=")


def to_record(entry: Entry) -> dict[str, Any]:
    """The entry as a line of ledger.jsonl has it."""
    record = asdict(entry) | {"clip": entry.clip, "utc": utc_text(entry.utc)}
    record["label"] = record.pop("label")  # last, where a person looks for it
    return record


def from_record(record: Any) -> Entry | None:
    """The entry in a line of ledger.jsonl; None if it is damaged."""
    if not isinstance(record, dict) or not is_id(record.get("id")):
        return None
    values: dict[str, Any] = {item.name: record.get(item.name) for item in fields(Entry)}
    texts = ("utc", "keyword", "model", "model_sha256", "source")
    numbers = ("time_s", "score", "threshold", "clip_bytes")
    if (
        not all(isinstance(values[name], str) for name in texts)
        or not all(_is_number(values[name]) for name in numbers)
        or not all(isinstance(values[name], str | None) for name in ("reason", "label"))
        or values["kind"] not in KINDS
    ):
        return None
    try:
        values["utc"] = datetime.fromisoformat(values["utc"]).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Entry(**values)


def utc_text(moment: datetime) -> str:
    """ISO 8601 to the millisecond, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def is_id(text: object) -> bool:
    """Whether it is a well-formed id, and so a safe file name."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def encode_id(digest: bytes) -> str:
    """The longest id of a hash; its beginning serves where it is unique."""
    number = int.from_bytes(digest)
    return "".join(_DIGITS[number >> 5 * place & 31] for place in range(40))


def id_number(entry_id: str) -> int:
    """An id as a number, another one for every id."""
    number = 1  # before the digits, so that leading zeros count
    for digit in entry_id:
        number = number * 32 + _DIGITS.index(digit)
    return number


def parse_label(text: str, keywords: Collection[str]) -> str:
    """A label from what a person typed.

    Args:
        text: "right", "wrong", a keyword, or "=WORD" for any word: also for a keyword that is
            called right or wrong, and for one that the model does not know yet.
        keywords: What the ledger's models listen for.

    Raises:
        ConfigError: It is no keyword, or could not be the name of a folder.
    """
    text = text.strip()
    if text in (RIGHT, WRONG):
        return text
    word = text.removeprefix("=").strip()
    if not is_folder_name(word):
        raise ConfigError(
            f"{word!r} cannot be a word; it must not be empty, begin with . or _, or hold / or "
            "control characters"
        )
    if text.startswith("="):
        return f"={word}" if word in (RIGHT, WRONG) else word
    if word not in keywords:
        raise ConfigError(
            f"{word!r} is no keyword of this ledger{hint(word, keywords)}; say right, wrong, or a "
            f"keyword; ={word} makes a new word of it"
        )
    return word


def is_folder_name(word: str) -> bool:
    """Whether a word can be the folder of its clips."""
    return (
        0 < len(word.encode(errors="surrogatepass")) <= 200
        and word.isprintable()
        and word[0] not in "._"
        and "/" not in word
    )


def parse_line(line: bytes) -> Any:
    """The JSON of one line, or None if it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # ValueError: also of text that is no UTF-8
        return None


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e15 and math.isfinite(value)
