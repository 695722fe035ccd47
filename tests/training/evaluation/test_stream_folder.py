"""Streams come back from disk as they were, and lies in a folder are refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import small_corpus
from full_disk import files_of_at_most
from signals import white_noise

from engine.errors import ConfigError, SourceError
from training.evaluation.rooms import HALL
from training.evaluation.stream_folder import (
    INDEX_FILE,
    read_index,
    read_spoken,
    read_streams,
    write_streams,
)
from training.evaluation.streams import (
    Condition,
    Stream,
    background_stream,
    word_stream,
    word_track,
)


def streams() -> list[Stream]:
    track = word_track(small_corpus(), ("yes", "no"), most_per_word=2, seed=1)
    conditions = (Condition(), Condition(snr_db=5.0, room=HALL, gain_db=-20.0))
    made = [word_stream(track, condition, white_noise(2)) for condition in conditions]
    return [*made, background_stream(small_corpus(), "speech")]


def test_a_folder_gives_back_what_was_written(tmp_path: Path) -> None:
    names = write_streams(tmp_path, streams(), {"seed": 1})
    assert names == [
        "words__clean.flac",
        "words__5_dB__hall__0.7_s___gain_-20_dB.flac",
        "speech.flac",
    ]
    for found, wanted in zip(read_streams(tmp_path), streams(), strict=True):
        np.testing.assert_array_equal(found.samples, wanted.samples)
        assert found.references == wanted.references
        assert (found.name, found.kind, found.condition) == (
            wanted.name,
            wanted.kind,
            wanted.condition,
        )
    assert json.loads((tmp_path / INDEX_FILE).read_text())["origin"] == {"seed": 1}


def test_other_programs_need_to_say_little(tmp_path: Path) -> None:
    """A stream of one's own: a file, a truth of three columns, an entry of four keys."""
    write_streams(tmp_path, streams()[:1], {})
    (tmp_path / "own.csv").write_text("keyword,onset_s,offset_s\nyes,1.5,2\n")
    entry = {"name": "mine", "kind": "words", "file": "words__clean.flac", "truth": "own.csv"}
    (tmp_path / INDEX_FILE).write_text(json.dumps({"streams": [entry]}))
    (stream,) = read_streams(tmp_path)
    assert (stream.references[0].keyword, stream.references[0].offset_s) == ("yes", 2.0)
    assert stream.condition == Condition()


def with_level(gain_db: str) -> str:
    entry = '{"name": "a", "kind": "words", "file": "a.wav", "truth": "a.csv", "gain_db": '
    return f'{{"streams": [{entry}{gain_db}}}]}}'


def test_no_folder_of_streams(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*streams.json: .*training streams makes"):
        read_index(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no index of streams"),
        ("[]", "is no index of streams"),
        ('{"streams": [{"name": "a"}]}', "is no index of streams: 'file'"),
        ('{"streams": []}', "names no stream"),
        ("[" * 100_000, "is no index of streams"),
        (with_level("1e999"), "a level is inf dB; it must be at most 1000 dB in size"),
        (with_level("NaN"), "a level is nan dB"),
        (with_level("9" * 400), "is no index of streams: int too large"),
        (with_level("0").replace("a.wav", "\\u0000"), "which is no file of the folder"),
        (with_level("0").replace("a.wav", "\\ud800"), "is no UTF-8; rename it"),
        (
            '{"streams": [{"name": "a", "kind": "b", "file": "../x.flac", "truth": "t.csv"}]}',
            r"file is '../x.flac', which is no file of the folder",
        ),
    ],
)
def test_an_index_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / INDEX_FILE).write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_index(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", r"is no table of keyword, onset_s, offset_s: 'keyword'; mend it"),
        ("keyword,onset_s,offset_s\nyes,soon,2\n", "could not convert string to float"),
        ("onset_s,offset_s,keyword\n1,2\n", "a row has no keyword; mend it"),
        (None, "cannot read .*No such file"),
    ],
)
def test_a_truth_that_is_none(tmp_path: Path, text: str | None, message: str) -> None:
    write_streams(tmp_path, streams()[:1], {})
    truth = tmp_path / "words__clean.csv"
    truth.unlink() if text is None else truth.write_text(text)
    with pytest.raises(SourceError, match=message):
        list(read_streams(tmp_path))


def test_a_folder_of_streams_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_streams(tmp_path, streams(), {})
    write_streams(tmp_path, streams()[:1], {})
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".flac", ".json"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "my.wav").write_text("x")
    with pytest.raises(ConfigError, match="holds other files; name a new folder"):
        write_streams(tmp_path / "other", streams(), {})


def test_a_run_that_was_cut_short_leaves_no_index(tmp_path: Path) -> None:
    write_streams(tmp_path, streams(), {})

    def cut_short() -> Iterator[Stream]:
        yield streams()[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_streams(tmp_path, cut_short(), {})
    with pytest.raises(ConfigError, match="cannot read"):
        read_index(tmp_path)


def test_a_full_disk_is_one_error_and_leaves_no_half_a_stream(tmp_path: Path) -> None:
    with files_of_at_most(20_000), pytest.raises(SourceError, match="cannot write"):
        write_streams(tmp_path, streams(), {})
    assert list(tmp_path.glob("*.flac")) == []


@pytest.mark.parametrize(
    ("onset", "offset"), [(500, 501), (-1, 0.5), (2, 1), (float("nan"), 1), (1, float("inf"))]
)
def test_a_truth_outside_of_its_stream(tmp_path: Path, onset: float, offset: float) -> None:
    write_streams(tmp_path, streams()[:1], {})
    truth = tmp_path / "words__clean.csv"
    truth.write_text(f"keyword,onset_s,offset_s\nyes,{onset},{offset}\n")
    with pytest.raises(SourceError, match=r"words__clean.csv: 'yes' is said from"):
        list(read_streams(tmp_path))


def test_two_streams_of_one_name_and_unknown_kinds(tmp_path: Path) -> None:
    write_streams(tmp_path, streams(), {})
    index = json.loads((tmp_path / INDEX_FILE).read_text())
    index["streams"][1]["name"] = index["streams"][0]["name"]
    (tmp_path / INDEX_FILE).write_text(json.dumps(index))
    with pytest.raises(ConfigError, match="two streams with name 'words, clean'"):
        read_index(tmp_path)
    index["streams"][1] |= {"name": "other", "kind": "word"}
    (tmp_path / INDEX_FILE).write_text(json.dumps(index))
    with pytest.raises(ConfigError, match="kind is 'word'; it must be one of words, speech"):
        read_index(tmp_path)


def test_which_keywords_are_spoken(tmp_path: Path) -> None:
    write_streams(tmp_path, streams(), {})
    assert read_spoken(tmp_path, ("up", "yes", "no")) == ["yes", "no"]
    assert read_spoken(tmp_path, ("up",)) == ["up"]  # nothing of it: all listen
