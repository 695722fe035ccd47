"""Which entries a ledger may no longer hold."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from kws_app.ledger.entries import Entry

_MB = 1_000_000
# Going a little below the limit, so that not every new entry writes the file anew.
_PRUNE_TO = 0.9


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a ledger may hold.

    Attributes:
        days: Older entries are removed.
        megabytes: Size of the clips and of ledger.jsonl.
    """

    days: float
    megabytes: float

    @property
    def size_bytes(self) -> float:
        """The size in bytes."""
        return self.megabytes * _MB

    def oldest(self, now: datetime) -> datetime:
        """Before this is too old."""
        return now - timedelta(days=self.days)


def beyond_limits(
    entries: Collection[Entry], log_bytes: int, limits: Limits, now: datetime
) -> set[str]:
    """Ids of the entries to remove.

    Args:
        entries: All, oldest first.
        log_bytes: Size of ledger.jsonl.
        limits: The limits.
        now: The wall clock.

    Returns:
        All that are too old; then, if the rest is too large, unlabelled ones from the oldest on,
        then labelled ones.
    """
    oldest = limits.oldest(now)
    gone = {entry.id for entry in entries if entry.utc < oldest}
    kept = [entry for entry in entries if entry.id not in gone]
    line_bytes = log_bytes / max(1, len(entries))
    size_bytes = sum(entry.clip_bytes + line_bytes for entry in kept)
    if size_bytes > limits.size_bytes:
        for entry in sorted(kept, key=lambda entry: entry.label is not None):
            if size_bytes <= _PRUNE_TO * limits.size_bytes:
                break
            gone.add(entry.id)
            size_bytes -= entry.clip_bytes + line_bytes
    return gone
