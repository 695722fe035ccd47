"""What was heard: the table behind the history, newest first."""

from __future__ import annotations

import csv
import io
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from kws_app.gui.plain_text import plain_tip
from kws_app.pcm import Int16

COLUMNS = ("time", "keyword", "score", "threshold", "label", "clip")
LABEL_COLUMN = COLUMNS.index("label")
CLIP_COLUMN = COLUMNS.index("clip")
MAX_ROWS = 100_000
# A clip of 1.5 s takes 48 kB; the ledger keeps more of them, on disk.
MAX_CLIPS = 500
_NUMBERS = (COLUMNS.index("score"), COLUMNS.index("threshold"))
_LABELS = {"right": "✓ right", "wrong": "✗ wrong"}
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
        label: What a person said of it: "right", "wrong", or "".
        is_own: Whether a clip was played here, so that it did nothing.
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
    label: str = ""
    is_own: bool = False

    def as_values(self) -> dict[str, Any]:
        """Plain values for files."""
        return {
            "at": self.at.isoformat(timespec="milliseconds"),
            "time_s": self.time_s,
            "keyword": self.keyword,
            "score": round(self.score, 6),
            "threshold": self.threshold,
            "source": self.source,
            "label": self.label,
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

    def find(self, stream: int, end_sample: int) -> HeardRow | None:
        """The detection of a window; None if there was none or it is forgotten."""
        place = self._place(stream, end_sample)
        return None if place is None else self._rows[place]

    def set_label(self, row: HeardRow, label: str) -> None:
        """Show what a person said of a detection."""
        place = self._place(row.stream, row.end_sample)
        if place is not None:
            self._rows[place] = replace(self._rows[place], label=label)
            index = self.index(len(self._rows) - 1 - place, LABEL_COLUMN)
            self.dataChanged.emit(index, index)

    def _place(self, stream: int, end_sample: int) -> int | None:
        key = (stream, end_sample)  # rises with every detection
        place = bisect_left(self._rows, key, key=lambda row: (row.stream, row.end_sample))
        is_there = place < len(self._rows) and self._rows[place].stream == stream
        return place if is_there and self._rows[place].end_sample == end_sample else None

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
            own = "; it did nothing, since a clip was played here" if row.is_own else ""
            return plain_tip(f"{row.time_s:.2f} s into {row.source}{own}")
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
        file,
        ["at", "time_s", "keyword", "score", "threshold", "source", "label"],
        lineterminator="\n",
    )
    writer.writeheader()
    writer.writerows(
        {name: _no_formula(value) for name, value in row.as_values().items()} for row in rows
    )
    return file.getvalue()


def _no_formula(value: object) -> object:
    """Text that a spreadsheet would compute, as text (OWASP, CSV injection)."""
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value


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
        case "label":
            return _LABELS.get(row.label, row.label)
    return "▶" if row.clip is not None else ""
