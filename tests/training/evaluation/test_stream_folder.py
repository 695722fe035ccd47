"""Streams come back from disk as they were, and lies in a folder are refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from clips import small_corpus
from signals import white_noise

from engine.errors import ConfigError, SourceError
from training.evaluation.rooms import HALL
from training.evaluation.stream_folder import INDEX_FILE, read_index, read_streams, write_streams
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
        (None, "cannot read .*No such file"),
    ],
)
def test_a_truth_that_is_none(tmp_path: Path, text: str | None, message: str) -> None:
    write_streams(tmp_path, streams()[:1], {})
    truth = tmp_path / "words__clean.csv"
    truth.unlink() if text is None else truth.write_text(text)
    with pytest.raises(SourceError, match=message):
        list(read_streams(tmp_path))
