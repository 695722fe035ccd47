"""Detections for the history."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

from kws_app.gui.history import HeardRow

START = datetime(2026, 11, 25, 23, 1, 2, 345_678)


def row(number: int, **values: Any) -> HeardRow:
    """One detection a second."""
    return HeardRow(
        **{
            "at": START + timedelta(seconds=number),
            "time_s": 1.0 + number,
            "end_sample": 16_000 * (1 + number),
            "stream": 1,
            "keyword": f"word{number % 7}",
            "score": 0.987654321,
            "threshold": 0.9,
            "source": "mic",
            "clip": np.zeros(10, np.int16),
            **values,
        }
    )
