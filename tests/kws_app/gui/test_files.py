"""The history on a disk, in a spreadsheet and in a tooltip: as it was, and harmless."""

import json
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_of_at_most
from history_rows import row
from qtpy.QtCore import Qt

from kws_app.gui.files import write_history
from kws_app.gui.history import History, to_csv, to_json_lines
from kws_app.gui.plain_text import plain_tip


def test_a_full_disk_costs_nothing_of_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "heard.csv"
    path.write_text("precious")
    with files_of_at_most(0):
        told = write_history(path, [row(1)])
    assert told == f"cannot write {path}: File too large"
    assert path.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    odd = row(1, source="caf\udce9.wav")
    for name in ("heard.csv", "heard.jsonl"):
        assert write_history(tmp_path / name, [odd]).startswith("1 detections written")
        assert "udce9.wav" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\ta", "\ra"])
def test_no_cell_is_a_formula(text: str) -> None:
    odd = row(1, keyword=text)
    assert f"'{text}" in to_csv([odd])
    assert json.loads(to_json_lines([odd]))["keyword"] == text


def test_numbers_stay_numbers() -> None:
    assert "'" not in to_csv([row(1, time_s=-1.5)])


def test_foreign_text_is_no_markup(qapp: Any) -> None:
    assert plain_tip("a plain name") == "a plain name"
    assert plain_tip("<img src=x>") == "<qt>&lt;img src=x&gt;</qt>"
    history = History()
    history.add([row(1, source="<b>loud</b>.wav")])
    tip = history.data(history.index(0, 0), Qt.ItemDataRole.ToolTipRole)
    assert "&lt;b&gt;loud" in tip
