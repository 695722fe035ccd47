"""Entries and clips for ledgers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from kws_app.ledger.entries import Entry
from kws_app.pcm import to_flac

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
PLAIN = Entry(
    utc=NOON,
    time_s=2.5,
    keyword="yes",
    kind="detection",
    reason=None,
    score=0.9,
    threshold=0.8,
    model="tiny",
    model_sha256="abc",
    source="mic",
)


def entry(minutes: float = 0, **changes: Any) -> Entry:
    """An entry without an id, so many minutes after noon."""
    return replace(PLAIN, utc=NOON + timedelta(minutes=minutes), **changes)


def clip(number: int = 0, n_samples: int = 1_600) -> bytes:
    """A FLAC file, another one for every number."""
    rng = np.random.default_rng(number)
    return to_flac(rng.integers(-1_000, 1_000, n_samples).astype(np.int16), 16_000)
