"""What was heard: the table behind the history, newest first."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from kws_app.pcm import Int16

COLUMNS = ("time", "keyword", "score", "threshold", "clip")
CLIP_COLUMN = COLUMNS.index("clip")
MAX_ROWS = 100_000
# A clip of 1.5 s takes 48 kB; the ledger keeps more of them, on disk.
MAX_CLIPS = 500
_NUMBERS = (COLUMNS.index("score"), COLUMNS.index("threshold"))
_ROOT = QModelIndex()


@dataclass(frozen=True, kw_only=True)
class HeardRow:
    """One detection.

    Attributes:
        at: When it was said, local time.
        time_s: Seconds of audio since its source began.
        end_sample: End of the window that fired.
        stream: Number of the stream, so that a window is looked for in its own one.
        keyword: What.
        score: Its smoothed posterior.
        threshold: What it reached.
        source: What was listened to.
        clip: Its audio, 16 kHz mono; None without.
    """

    at: datetime
    time_s: float
    end_sample: int
    stream: int
    keyword: str
    score: float
    threshold: float
    source: str
    clip: Int16 | None = None

    def as_values(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "time_s": self.time_s,
            "keyword": self.keyword,
            "score": round(self.score, 6),
            "threshold": self.threshold,
            "source": self.source,
        }


class History(QAbstractTableModel):
    """The newest 100,000 detections; the newest 500 with their audio."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[HeardRow] = []  # oldest first, so that a new one costs nothing

    def add(self, rows: Sequence[HeardRow]) -> None:
        """Put detections on top, the last one highest."""
        rows = rows[-MAX_ROWS:]
        if not rows:
            return
        self.beginInsertRows(_ROOT, 0, len(rows) - 1)
        self._rows += rows
        self.endInsertRows()
        surplus = len(self._rows) - MAX_ROWS
        if surplus > 0:
            self.beginRemoveRows(_ROOT, MAX_ROWS, MAX_ROWS + surplus - 1)
            del self._rows[:surplus]
            self.endRemoveRows()
        self._forget_clips(len(rows))

    def clear(self) -> None:
        """Forget everything."""
        self.beginResetModel()
        self._rows.clear()
        self.endResetModel()

    def row(self, index: int) -> HeardRow:
        """The detection in a row of the table."""
        return self._rows[len(self._rows) - 1 - index]

    def rowCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802  Qt's name
        """How many there are."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _ROOT) -> int:  # noqa: N802
        """How many columns there are."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Names of the columns."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section].capitalize()
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """What stands in a cell."""
        row, column = self.row(index.row()), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in _NUMBERS:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.time_s:.2f} s into {row.source}"
        return None

    def rows(self, indices: Iterable[int] | None = None) -> list[HeardRow]:
        """Detections in the order of time; all of them, or those in some rows of the table."""
        if indices is None:
            return list(self._rows)
        return [self.row(index) for index in sorted(indices, reverse=True)]

    def _forget_clips(self, added: int) -> None:
        first = len(self._rows) - MAX_CLIPS
        for place in range(max(0, first - added), max(0, first)):
            self._rows[place] = replace(self._rows[place], clip=None)


def to_csv(rows: Iterable[HeardRow]) -> str:
    """A table for spreadsheets."""
    file = io.StringIO()
    writer = csv.DictWriter(
        file, ["at", "time_s", "keyword", "score", "threshold", "source"], lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(row.as_values() for row in rows)
    return file.getvalue()


def to_json_lines(rows: Iterable[HeardRow]) -> str:
    """Lines like those of `--json`, with the time of day."""
    return "".join(
        json.dumps({"v": 1, "event": "detection", **row.as_values()}, ensure_ascii=False) + "\n"
        for row in rows
    )


def _text(row: HeardRow, column: int) -> str:
    match COLUMNS[column]:
        case "time":
            return row.at.strftime("%H:%M:%S.%f")[:-5]
        case "keyword":
            return row.keyword
        case "score":
            return f"{row.score:.2f}"
        case "threshold":
            return f"{row.threshold:.2f}"
    return "▶" if row.clip is not None else ""
