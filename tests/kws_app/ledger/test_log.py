"""ledger.jsonl outlives kills, other writers and editors."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from ledgers import PLAIN

from kws_app.ledger import log as ledger_log
from kws_app.ledger.entries import Entry, to_record
from kws_app.ledger.log import NAME, EntryLog, write_aside

IDS = ("aaaaa", "bbbbb", "ccccc")


def named(entry_id: str) -> Entry:
    return replace(PLAIN, id=entry_id, clip_bytes=10)


def line(entry_id: str) -> bytes:
    return json.dumps(to_record(named(entry_id))).encode() + b"\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / NAME).touch()
    return tmp_path / NAME


@pytest.fixture
def log(path: Path) -> EntryLog:
    log = EntryLog(path.parent)
    log.refresh()
    return log


def read(path: Path) -> EntryLog:
    log = EntryLog(path.parent)
    log.refresh()
    return log


def test_what_is_appended_is_read(path: Path, log: EntryLog) -> None:
    log.append([to_record(named("aaaaa")), to_record(named("bbbbb"))])
    log.append([{"id": "aaaaa", "label": "wrong"}])
    log.append([{"id": "aaaaa", "label": "right"}])
    for seen in (log, read(path)):
        assert list(seen.entries) == ["aaaaa", "bbbbb"]
        assert seen.entries["aaaaa"] == replace(named("aaaaa"), label="right")
        assert seen.entries["bbbbb"].label is None
        assert seen.size_bytes == path.stat().st_size
        assert seen.damage is None


def test_a_half_written_last_line_is_left_out_and_said(path: Path) -> None:
    path.write_bytes(line("aaaaa") + line("bbbbb")[:-20])
    log = read(path)
    assert list(log.entries) == ["aaaaa"]
    assert log.damage == f"{path}: left out a half-written last line"
    # What comes next is not glued to it.
    log.append([to_record(named("ccccc"))])
    assert list(log.entries) == list(read(path).entries) == ["aaaaa", "ccccc"]
    assert log.damage == f"{path}: left out 1 damaged line"


def test_a_last_line_that_only_lacks_its_end_is_whole_after_the_next(path: Path) -> None:
    path.write_bytes(line("aaaaa")[:-1])
    log = read(path)
    assert list(log.entries) == []
    log.append([to_record(named("bbbbb"))])
    assert list(log.entries) == ["aaaaa", "bbbbb"]
    assert log.damage is None


def test_damaged_lines_are_left_out_and_counted(path: Path) -> None:
    rubbish = b"\xff\xfe\n[1, 2]\n\n" + b"[" * 100_000 + b'\n{"id": [], "label": "right"}\n'
    path.write_bytes(line("aaaaa") + rubbish + line("bbbbb") + b"{")
    log = read(path)
    assert list(log.entries) == ["aaaaa", "bbbbb"]
    assert log.damage == f"{path}: left out 3 damaged lines and a half-written last line"


def test_labels_of_what_is_gone_and_labels_that_are_none_change_nothing(path: Path) -> None:
    labels = b'{"id": "zzzzz", "label": "right"}\n{"id": "aaaaa", "label": 3}\n'
    path.write_bytes(line("aaaaa") + labels)
    assert read(path).entries == {"aaaaa": named("aaaaa")}


def test_another_writers_lines_are_read_on_from_where_one_was(
    path: Path, log: EntryLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.append([to_record(named("aaaaa"))])
    other = read(path)
    other.append([to_record(named("bbbbb")), {"id": "aaaaa", "label": "right"}])
    taken: list[bytes] = []
    take = EntryLog._take
    monkeypatch.setattr(
        EntryLog, "_take", lambda self, text: (taken.append(text), take(self, text))
    )
    log.refresh()
    assert len(taken) == 2
    assert list(log.entries) == ["aaaaa", "bbbbb"]
    assert log.entries["aaaaa"].label == "right"


def test_a_file_that_another_process_wrote_anew_is_read_from_its_start(
    path: Path, log: EntryLog
) -> None:
    log.append([to_record(named(name)) for name in IDS])
    other = read(path)
    for _ in range(3):  # inode numbers are used again as soon as they are free
        other.rewrite([named("bbbbb"), replace(named("ccccc"), label="no")])
        assert list(other.entries) == ["bbbbb", "ccccc"]
        log.refresh()
        assert list(log.entries) == ["bbbbb", "ccccc"]
        assert log.entries["ccccc"].label == "no"
    log.append([to_record(named("aaaaa"))])
    assert list(read(path).entries) == ["bbbbb", "ccccc", "aaaaa"]


def test_a_full_disk_leaves_no_half_line(path: Path, log: EntryLog) -> None:
    log.append([to_record(named("aaaaa"))])
    whole = path.read_bytes()
    with files_of_at_most(len(whole) + 50), pytest.raises(OSError, match="File too large"):
        log.append([to_record(named("bbbbb"))])
    assert path.read_bytes() == whole
    log.append([to_record(named("ccccc"))])
    assert list(log.entries) == ["aaaaa", "ccccc"]


def test_a_full_disk_leaves_the_old_file_when_it_is_written_anew(path: Path, log: EntryLog) -> None:
    log.append([to_record(named(name)) for name in IDS])
    whole = path.read_bytes()
    with files_of_at_most(100), pytest.raises(OSError, match="File too large"):
        log.rewrite([named("bbbbb")])
    assert path.read_bytes() == whole
    assert list(path.parent.iterdir()) == [path]


def test_files_are_for_their_owner_only(path: Path, log: EntryLog) -> None:
    before = os.umask(0)
    try:
        write_aside(path.parent / "x", b"abc")
        log.rewrite([])
    finally:
        os.umask(before)
    for name in ("x", NAME):
        assert (path.parent / name).stat().st_mode & 0o777 == 0o600
    assert (path.parent / "x").read_bytes() == b"abc"


def test_appending_blindly_is_a_mistake_of_the_program(path: Path) -> None:
    with pytest.raises(RuntimeError, match="append before refresh"):
        EntryLog(path.parent).append([])


def test_a_log_that_nobody_has_any_more_is_closed(path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    for _ in range(3):
        log = EntryLog(path.parent)
        log.refresh()
        log.append([to_record(named("aaaaa"))])
        del log
    assert len(list(descriptors.iterdir())) == before
    closed = EntryLog(path.parent)
    closed.refresh()
    closed.close()
    closed.close()
    closed.refresh()  # opens it again
    assert list(closed.entries) == ["aaaaa"]


def test_what_is_no_ledger_of_a_person_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read whole, and may have been handed on by others."""
    path.write_bytes(line("aaaaa"))
    monkeypatch.setattr(ledger_log, "_MOST_BYTES", path.stat().st_size)
    assert list(read(path).entries) == ["aaaaa"]
    monkeypatch.setattr(ledger_log, "_MOST_BYTES", path.stat().st_size - 1)
    with pytest.raises(OSError, match=r"ledger\.jsonl is larger than"):
        read(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError, match=r"ledger\.jsonl is no plain file"):
        read(path)
