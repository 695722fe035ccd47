"""A plain folder of words that grows with the labels."""

from pathlib import Path

import pytest
from ledgers import clip, entry

from engine.errors import ConfigError, KwsError
from kws_app.ledger.entries import id_number
from kws_app.ledger.export import export
from kws_app.ledger.store import Ledger
from training.data.folder import list_folder, speaker_of


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(tmp_path / "ledger")
    ledger.create(["no", "right", "yes"])
    return ledger


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def add(ledger: Ledger, *labels: str | None) -> list[str]:
    """One entry of "yes" for each label."""
    ids = []
    for label in labels:
        added = ledger.add(entry(len(ledger.entries())), clip(len(ledger.entries())))
        ids.append(added.id)
        if label is not None:
            ledger.label([added.id], label)
    return ids


def tree(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("*/*")}


def test_words_and_hard_negatives(ledger: Ledger, out: Path) -> None:
    ids = add(ledger, "right", "wrong", "no", "=right", None)
    done = export(ledger, out)
    speaker = ledger.speaker()
    folders = ("yes", "_unknown_", "no", "right")
    assert tree(out) == {
        f"{folder}/{speaker}_nohash_{id_number(entry_id)}.flac": clip(number)
        for number, (folder, entry_id) in enumerate(zip(folders, ids, strict=False))
    }
    assert (done.new, done.moved, done.same, done.unlabelled) == (4, 0, 0, 1)
    assert done.problems == []


def test_a_link_in_a_ledger_of_others_is_not_followed(
    ledger: Ledger, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("mine")
    ids = add(ledger, "right", "right")
    path = ledger.folder / f"{ids[0]}.flac"
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    done = export(ledger, out)
    assert done.new == 1
    assert "it is a link; links are not followed" in done.problems[0]
    assert b"mine" not in tree(out).values()


def test_the_training_reads_it_as_one_speaker(ledger: Ledger, out: Path) -> None:
    add(ledger, "right", "wrong", "no", "right")
    export(ledger, out)
    entries = list_folder(out)
    assert sorted(item.label for item in entries) == ["_unknown_", "no", "yes", "yes"]
    assert {item.speaker for item in entries} == {ledger.speaker()}
    assert {speaker_of(item.path) for item in entries} == {ledger.speaker()}
    assert len({item.split for item in entries}) == 1


def test_again_adds_only_what_is_new(ledger: Ledger, out: Path) -> None:
    add(ledger, "right", None)
    export(ledger, out)
    before = {path: path.stat().st_ino for path in out.glob("*/*")}
    add(ledger, "wrong")
    done = export(ledger, out)
    assert (done.new, done.moved, done.same, done.unlabelled) == (1, 0, 1, 1)
    assert len(tree(out)) == 2
    assert {path: path.stat().st_ino for path in before} == before


def test_another_label_moves_the_clip(ledger: Ledger, out: Path) -> None:
    (entry_id,) = add(ledger, "right")
    export(ledger, out)
    ledger.label([entry_id], "wrong")
    done = export(ledger, out)
    assert (done.new, done.moved, done.same) == (0, 1, 0)
    assert [path.partition("/")[0] for path in tree(out)] == ["_unknown_"]


def test_what_was_purged_stays_exported(ledger: Ledger, out: Path) -> None:
    add(ledger, "right")
    export(ledger, out)
    ledger.purge(None)
    ledger.label([ledger.add(entry(5), clip(5)).id], "right")
    export(ledger, out)
    assert len(tree(out)) == 2


def test_two_ledgers_share_a_folder(ledger: Ledger, out: Path, tmp_path: Path) -> None:
    other = Ledger(tmp_path / "other")
    other.create(["yes"])
    for one in (ledger, other):
        add(one, "right")
        export(one, out)
    assert len(tree(out)) == 2
    assert {item.speaker for item in list_folder(out)} == {ledger.speaker(), other.speaker()}


def test_a_clip_that_is_gone_is_said_and_left_out(ledger: Ledger, out: Path) -> None:
    ids = add(ledger, "right", "right")
    gone = ledger.folder / f"{ids[0]}.flac"
    gone.unlink()
    done = export(ledger, out)
    assert done.new == 1
    assert done.problems == [f"{ids[0]} is left out: {gone} is gone"]


def test_a_word_that_leads_out_of_the_folder_is_left_out(ledger: Ledger, out: Path) -> None:
    evil = ledger.add(entry(keyword="../../evil"), clip())
    ledger.label([evil.id], "right")
    done = export(ledger, out)
    assert done.problems == [f"{evil.id} is left out: '../../evil' cannot be the name of a folder"]
    assert tree(out) == {}


def test_a_kill_leaves_no_half_clip(
    ledger: Ledger, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(ledger, "right")

    def fail(path: Path, _: bytes) -> None:
        path.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(KeyboardInterrupt):
        export(ledger, out)
    monkeypatch.undo()
    assert list(out.glob("*/*.flac")) == []
    assert export(ledger, out).new == 1
    assert len(list(out.glob("*/*"))) == len(list(out.glob("*/*.flac"))) == 1


def test_places_that_cannot_be_written(ledger: Ledger, tmp_path: Path) -> None:
    add(ledger, "right")
    for inside in (ledger.folder, ledger.folder / "out"):
        with pytest.raises(ConfigError, match="is in the ledger; name another folder"):
            export(ledger, inside)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="file is a file; name a folder"):
        export(ledger, tmp_path / "file")
    with pytest.raises(KwsError, match=r"cannot write .*: No such file"):
        export(ledger, tmp_path / "nowhere" / "out")
