"""The folder: private, limited, shared by processes, whole after a kill."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from ledgers import NOON, clip, entry
from program import ROOT, environment

from engine.errors import ConfigError, KwsError
from kws_app.ledger import store
from kws_app.ledger.log import NAME
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger

WORDS = ["no", "yes"]


def make(folder: Path, limits: Limits | None = None, now: datetime = NOON) -> Ledger:
    ledger = Ledger(folder, limits, now=lambda: now)
    ledger.create(WORDS)
    return ledger


def fill(ledger: Ledger, n: int, first: int = 0) -> list[str]:
    return [ledger.add(entry(number), clip(number)).id for number in range(first, first + n)]


def clips(folder: Path) -> set[str]:
    return {path.stem for path in folder.glob("*.flac")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def test_a_clip_and_its_entry(folder: Path) -> None:
    ledger = make(folder)
    added = ledger.add(entry(), clip(1))
    assert ledger.clip_path(added) == folder / f"{added.id}.flac"
    assert ledger.clip_path(added).read_bytes() == clip(1)
    assert added == replace(entry(), id=added.id, clip_bytes=len(clip(1)))
    assert Ledger(folder).entries() == ledger.entries() == [added]


def test_everything_is_for_its_owner_only(folder: Path) -> None:
    before = os.umask(0)
    try:
        ledger = make(folder)
        (entry_id,) = fill(ledger, 1)
        ledger.label([entry_id], "right")
        ledger.purge(Limits(days=1, megabytes=1))
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    names = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert names == dict.fromkeys((f"{entry_id}.flac", NAME, "about.json", ".lock"), 0o600)


def test_an_empty_folder_becomes_private_and_a_ledger_stays_as_it_is(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o750)
    fill(make(folder), 1)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_folder_of_other_things_is_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "holiday.flac").write_text("mine")
    with pytest.raises(ConfigError, match=r"no ledger, and not empty: it holds holiday.flac; name"):
        make(folder)
    assert list(folder.iterdir()) == [folder / "holiday.flac"]


def test_what_a_kill_during_the_making_left_is_no_obstacle(folder: Path) -> None:
    folder.mkdir()
    for name in (".lock", f"{NAME}.partial"):
        (folder / name).touch()
    fill(make(folder), 1)


@pytest.mark.parametrize("place", ["nowhere/ledger", "file"])
def test_a_place_where_none_can_be_made(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"cannot keep a ledger in .*{place}: N"):
        make(tmp_path / place)


def test_what_is_no_ledger_is_not_read(tmp_path: Path) -> None:
    for call in (Ledger(tmp_path).entries, Ledger(tmp_path / "nowhere").speaker):
        with pytest.raises(ConfigError, match=r"is no ledger; it has no ledger\.jsonl"):
            call()
    with pytest.raises(ConfigError, match="is no ledger"):
        Ledger(tmp_path).purge(None)
    assert list(tmp_path.iterdir()) == []


def test_labels(folder: Path) -> None:
    ledger = make(folder)
    ids = fill(ledger, 3)
    changed = Ledger(folder).label([ids[0], ids[2][:4]], "no")
    assert [(item.id, item.label) for item in changed] == [(ids[0], "no"), (ids[2], "no")]
    assert [item.label for item in ledger.entries()] == ["no", None, "no"]


def test_a_wrong_id_or_word_labels_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = make(folder)
    monkeypatch.setattr(store, "encode_id", lambda digest: f"ab{digest.hex()}"[:40])
    ids = fill(ledger, 2)
    with pytest.raises(ConfigError, match=f"'ab' fits several entries: {ids[0]}, {ids[1]}; give"):
        ledger.label([ids[0], "ab"], "right")
    for unknown in ("zz", "", " "):
        with pytest.raises(ConfigError, match=f"no entry of .* is called '{unknown}'"):
            ledger.label([ids[0], unknown], "right")
    with pytest.raises(ConfigError, match="'yse' is no keyword of this ledger"):
        ledger.label(ids, "yse")
    assert {item.label for item in ledger.entries()} == {None}


def test_an_id_that_is_the_beginning_of_another_one_is_that_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "encode_id", lambda _: "abcde" * 8)
    ids = fill(make(folder), 3)
    assert ids == ["abcde", "abcdea", "abcdeab"]
    assert clips(folder) == set(ids)
    assert [item.id for item in Ledger(folder).label(["ABCDE"], "right")] == ["abcde"]


def test_an_id_whose_clip_or_line_is_gone_is_not_given_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "encode_id", lambda _: "abcde" * 8)
    ledger = make(folder)
    assert fill(ledger, 1) == ["abcde"]
    (folder / "abcde.flac").unlink()
    (folder / "abcdea.flac").touch()
    assert fill(ledger, 1) == ["abcdeab"]


def test_keywords_are_those_listened_for_and_those_heard(folder: Path) -> None:
    ledger = make(folder)
    ledger.add(entry(keyword="lamp"), clip())
    assert Ledger(folder).keywords() == {"no", "yes", "lamp"}


def test_the_size_is_kept_as_it_grows(folder: Path) -> None:
    size = len(clip()) + 300
    ledger = make(folder, Limits(days=1, megabytes=10.5 * size / 1e6))
    first = fill(ledger, 3)
    ledger.label([first[1]], "right")
    ids = first + fill(ledger, 17, first=3)
    kept = [item.id for item in ledger.entries()]
    assert first[1] in kept
    assert kept == [first[1], *ids[-len(kept) + 1 :]]
    assert 7 <= len(kept) <= 10
    assert clips(folder) == set(kept)
    assert ledger.removed == 20 - len(kept)


def test_the_age_is_kept_at_the_start_and_as_it_grows(folder: Path) -> None:
    ids = fill(make(folder), 2)
    limits = Limits(days=2, megabytes=1)
    ledger = make(folder, limits, now=NOON + timedelta(days=2, seconds=30))
    assert [item.id for item in ledger.entries()] == [ids[1]]
    later = Ledger(folder, limits, now=lambda: NOON + timedelta(days=3))
    new = later.add(entry(3 * 24 * 60), clip(7))
    assert later.entries() == [new]
    assert clips(folder) == {new.id}


def test_growing_never_looks_through_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = make(folder, Limits(days=1, megabytes=0.02))

    def fail(_: Path) -> Iterator[Path]:
        raise AssertionError

    monkeypatch.setattr(Path, "iterdir", fail)
    fill(ledger, 20)
    assert ledger.removed > 0


def leave_strays(folder: Path, age: timedelta) -> list[Path]:
    strays = [folder / "zzzzz.flac", folder / "yyyyy.flac.partial"]
    for path in strays:
        path.write_bytes(bytes(1_000))
        seconds = (NOON - age).timestamp()
        os.utime(path, (seconds, seconds))
    return strays


def test_what_a_kill_left_behind_goes_with_its_age(folder: Path) -> None:
    ids = fill(make(folder), 1)
    strays = leave_strays(folder, timedelta(days=2))
    (folder / "notes.txt").touch()
    make(folder, Limits(days=3, megabytes=1))
    assert all(path.exists() for path in strays)
    make(folder, Limits(days=1, megabytes=1))
    assert not any(path.exists() for path in strays)
    assert clips(folder) == set(ids)
    assert (folder / "notes.txt").exists()


def test_what_a_kill_left_behind_goes_first_when_it_is_too_much(folder: Path) -> None:
    limit = Limits(days=30, megabytes=(len(clip()) + 1_000) / 1e6)
    ids = fill(make(folder), 1)
    strays = leave_strays(folder, timedelta())
    make(folder, limit)
    assert not any(path.exists() for path in strays)
    assert clips(folder) == set(ids)


def test_purging(folder: Path) -> None:
    ledger = make(folder)
    ids = fill(ledger, 3)
    ledger.label(ids[:1], "right")
    leave_strays(folder, timedelta(hours=-1))
    speaker = ledger.speaker()
    old = Ledger(folder, now=lambda: NOON + timedelta(days=1, minutes=1.5))
    assert old.purge(Limits(days=1, megabytes=1)) == 2
    assert clips(folder) == {ids[2], "zzzzz"}
    assert ledger.purge(None) == 1
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "about.json", NAME]
    assert ledger.entries() == []
    assert ledger.speaker() == speaker


@pytest.mark.parametrize("full_for", ["clip", "line"])
def test_a_full_disk_is_one_error_and_leaves_no_half_entry(folder: Path, full_for: str) -> None:
    ledger = make(folder)
    ids = fill(ledger, 1)
    before = {path.name for path in folder.iterdir()}
    limit, size = (3_000, 5_000) if full_for == "clip" else (ledger_bytes(folder) + 10, 100)
    with files_of_at_most(limit), pytest.raises(KwsError, match=r"ledger .*: File too large"):
        ledger.add(entry(), bytes(size))
    assert {path.name for path in folder.iterdir()} == before
    assert [item.id for item in Ledger(folder).entries()] == ids
    assert ledger.damage is None


def test_a_full_disk_is_no_wrong_argument(folder: Path) -> None:
    """A service is not started again after those."""
    with files_of_at_most(20), pytest.raises(KwsError, match="File too large") as caught:
        make(folder)
    assert not isinstance(caught.value, ConfigError)
    fill(make(folder), 1)


def ledger_bytes(folder: Path) -> int:
    return (folder / NAME).stat().st_size


def test_a_folder_that_is_gone_is_one_error(folder: Path) -> None:
    ledger = make(folder)
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(KwsError, match="is no ledger"):
        ledger.add(entry(), clip())


@contextmanager
def held(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_whoever_has_the_lock_is_waited_for_but_not_for_ever(folder: Path) -> None:
    ledger = make(folder)
    ledger.lock_wait_s = 0.1
    with held(folder), pytest.raises(KwsError, match=r"another process has held .*lock for 0.1 s"):
        ledger.add(entry(), clip())
    fill(ledger, 1)
    assert len(ledger.entries()) == 1


# Adds and labels entries for ever, and says when each is done.
_WRITER = """
import sys
from pathlib import Path
from ledgers import clip, entry
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger
ledger = Ledger(Path(sys.argv[1]), Limits(days=36_500, megabytes=float(sys.argv[3])))
ledger.create(["yes"])
for number in range(int(sys.argv[2])):
    added = ledger.add(entry(number, source=sys.argv[4]), clip(number))
    print("added", added.id, flush=True)
    ledger.label([added.id], "right")
    print("labelled", added.id, flush=True)
"""


def writer(folder: Path, n: int, name: str, megabytes: float = 100) -> subprocess.Popen[str]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tests" / "helpers")))
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(n), str(megabytes), name],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONPATH=paths),
    )


def said(out: str, verb: str) -> set[str]:
    return {line.split()[1] for line in out.splitlines(keepends=True) if line.startswith(verb)}


def test_two_processes_lose_and_mix_nothing(folder: Path) -> None:
    processes = [writer(folder, 25, name) for name in "ab"]
    outs = [process.communicate(timeout=60)[0] for process in processes]
    ledger = Ledger(folder)
    entries = ledger.entries()
    assert ledger.damage is None
    assert {item.id for item in entries} == said(outs[0], "added") | said(outs[1], "added")
    assert len(entries) == 50
    assert {item.label for item in entries} == {"right"}
    for item in entries:
        assert ledger.clip_path(item).stat().st_size == item.clip_bytes


@pytest.mark.parametrize("megabytes", [100, 0.05])
def test_a_kill_at_any_moment_loses_nothing_that_was_said_to_be_done(
    folder: Path, megabytes: float
) -> None:
    """With the small limit the file is written anew again and again meanwhile."""
    acknowledged: set[str] = set()
    labelled: set[str] = set()
    for turn in range(6):
        process = writer(folder, 100_000, f"turn {turn}", megabytes)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 + 0.013 * turn)
        process.send_signal(signal.SIGKILL)
        out = process.communicate(timeout=20)[0]
        acknowledged |= said(out, "added")
        labelled |= said(out, "labelled")
        ledger = Ledger(folder)
        entries = {item.id: item for item in ledger.entries()}
        for item in entries.values():
            assert ledger.clip_path(item).stat().st_size == item.clip_bytes
        assert {item for item in labelled if item in entries and not entries[item].label} == set()
        if megabytes == 100:
            assert acknowledged <= entries.keys()
    assert labelled
