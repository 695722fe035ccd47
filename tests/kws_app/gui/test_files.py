"""The history on a disk, in a spreadsheet and in a tooltip: as it was, and harmless."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_of_at_most
from history_rows import row
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMessageBox

from kws_app.gui import files
from kws_app.gui.files import write_history
from kws_app.gui.history import History, to_csv, to_json_lines
from kws_app.gui.plain_text import plain_tip

PARENT: Any = None


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


class Dialog:
    """Stands in for Qt's: says what a person typed, and keeps what it was opened with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answer = ("", "")
        self.opened_with: list[str] = []
        self.replaces = QMessageBox.StandardButton.Yes
        for name in ("getOpenFileName", "getSaveFileName"):
            monkeypatch.setattr(QFileDialog, name, self._file)
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", self._folder)
        monkeypatch.setattr(QMessageBox, "question", lambda *_: self.replaces)
        monkeypatch.setattr(files, "_folders", {})

    def _file(self, parent: object, title: str, start: str, kinds: str) -> tuple[str, str]:
        self.opened_with.append(start)
        assert self.answer[1] in kinds
        return self.answer

    def _folder(self, parent: object, title: str, start: str) -> str:
        self.opened_with.append(start)
        return self.answer[0]


@pytest.fixture
def dialog(monkeypatch: pytest.MonkeyPatch) -> Dialog:
    return Dialog(monkeypatch)


@pytest.mark.parametrize(
    ("typed", "kind", "wanted"),
    [
        ("heard", "CSV (*.csv)", "heard.csv"),
        ("heard", "JSON lines (*.jsonl)", "heard.jsonl"),
        ("heard", "", "heard.csv"),  # a dialog of the desktop may not say
        ("heard.csv", "JSON lines (*.jsonl)", "heard.csv"),
        ("heard.JSONL", "CSV (*.csv)", "heard.JSONL"),
    ],
)
def test_a_suffix_wins_and_without_one_the_kind_that_was_chosen(
    dialog: Dialog, tmp_path: Path, typed: str, kind: str, wanted: str
) -> None:
    dialog.answer = (str(tmp_path / typed), kind)
    path = files.ask_table_to_write(PARENT)
    assert path == tmp_path / wanted
    assert write_history(path, [row(1)]).startswith("1 detections")
    assert path.read_text().startswith("{") == (path.suffix.lower() == ".jsonl")


def test_a_recording_gets_a_suffix_too(dialog: Dialog, tmp_path: Path) -> None:
    dialog.answer = (str(tmp_path / "heard"), "WAV (*.wav)")
    assert files.ask_recording_to_write(PARENT) == tmp_path / "heard.wav"


def test_a_file_that_the_dialog_has_not_asked_about_is_asked_about(
    dialog: Dialog, tmp_path: Path
) -> None:
    (tmp_path / "heard.csv").touch()
    dialog.answer = (str(tmp_path / "heard"), "CSV (*.csv)")
    assert files.ask_table_to_write(PARENT) == tmp_path / "heard.csv"
    dialog.replaces = QMessageBox.StandardButton.No
    assert files.ask_table_to_write(PARENT) is None
    dialog.answer = (str(tmp_path / "heard.csv"), "CSV (*.csv)")  # Qt has asked
    assert files.ask_table_to_write(PARENT) == tmp_path / "heard.csv"


@pytest.mark.parametrize(
    ("ask", "name"),
    [
        (files.ask_table_to_write, "heard.csv"),
        (files.ask_recording_to_write, "heard.flac"),
        (files.ask_recording_to_open, ""),
        (lambda parent: files.ask_folder(parent, "Model folder"), ""),
    ],
)
def test_a_dialog_opens_where_it_was_used_last(
    dialog: Dialog, tmp_path: Path, ask: Callable[[Any], Path | None], name: str
) -> None:
    nobody, chosen = ("", ""), (str(tmp_path / "own.flac"), "")
    for dialog.answer in (nobody, chosen, nobody, nobody):
        assert ask(PARENT) == (Path(dialog.answer[0]) if dialog.answer[0] else None)
    there = str(tmp_path / name)
    assert dialog.opened_with == [name, name, there, there]


def test_a_folder_is_opened_again(dialog: Dialog, tmp_path: Path) -> None:
    dialog.answer = (str(tmp_path), "")
    files.ask_folder(PARENT, "Model folder")
    files.ask_folder(PARENT, "Folder for the ledger")
    files.ask_folder(PARENT, "Model folder")
    assert dialog.opened_with == ["", "", str(tmp_path)]
