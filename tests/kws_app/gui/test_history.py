"""The history keeps what it promises, newest first, and no more."""

import csv
import io
import json
from typing import Any

from history_rows import row
from qtpy.QtCore import Qt
from qtpy.QtTest import QAbstractItemModelTester

from kws_app.gui.history import (
    COLUMNS,
    MAX_CLIPS,
    MAX_ROWS,
    History,
    to_csv,
    to_json_lines,
)


def text(history: History, row: int, column: str) -> str:
    return str(history.data(history.index(row, COLUMNS.index(column))))


def test_the_newest_stands_on_top(qapp: Any) -> None:
    history = History()
    QAbstractItemModelTester(history, QAbstractItemModelTester.FailureReportingMode.Fatal)
    history.add([row(0), row(1)])
    history.add([row(2)])
    assert [text(history, i, "keyword") for i in range(3)] == ["word2", "word1", "word0"]
    assert text(history, 0, "time") == "23:01:04.3"
    assert text(history, 0, "score") == "0.99"
    assert text(history, 0, "clip") == "▶"
    assert history.headerData(1, Qt.Orientation.Horizontal) == "Keyword"
    tip = history.data(history.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert tip == "3.00 s into mic"


def test_only_the_newest_keep_their_audio(qapp: Any) -> None:
    history = History()
    for first in range(0, MAX_CLIPS + 130, 70):
        history.add([row(first + i) for i in range(70)])
    kept = [i for i in range(history.rowCount()) if history.row(i).clip is not None]
    assert kept == list(range(MAX_CLIPS))


def test_a_hundred_thousand_rows_are_kept_and_no_more(qapp: Any) -> None:
    history = History()
    QAbstractItemModelTester(history, QAbstractItemModelTester.FailureReportingMode.Fatal)
    history.add([row(i, clip=None) for i in range(MAX_ROWS - 1)])
    history.add([row(MAX_ROWS), row(MAX_ROWS + 1), row(MAX_ROWS + 2)])
    assert history.rowCount() == MAX_ROWS
    assert history.row(0).time_s == MAX_ROWS + 3
    assert history.row(MAX_ROWS - 1).time_s == 3
    history.add([row(i, clip=None) for i in range(MAX_ROWS + 5)])
    assert history.rowCount() == MAX_ROWS
    history.clear()
    assert history.rowCount() == 0


def test_files_hold_the_rows_in_the_order_of_time() -> None:
    rows = [row(0), row(1, keyword='go, "now"\n', source="größe.flac")]
    table = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert [line["keyword"] for line in table] == ["word0", 'go, "now"\n']
    assert table[0]["at"] == "2026-11-25T23:01:02.345"
    lines = [json.loads(line) for line in to_json_lines(rows).splitlines()]
    assert lines[1] == {
        "v": 1,
        "event": "detection",
        "at": "2026-11-25T23:01:03.345",
        "time_s": 2.0,
        "keyword": 'go, "now"\n',
        "score": 0.987654,
        "threshold": 0.9,
        "source": "größe.flac",
        "label": "",
    }


def test_rows_of_the_table_come_in_the_order_of_time(qapp: Any) -> None:
    history = History()
    history.add([row(i) for i in range(4)])
    assert [r.time_s for r in history.rows([0, 2])] == [2.0, 4.0]
    assert len(history.rows()) == 4
