"""What is written is what is read, and whatever else stands in a line is damage."""

import json
import math
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from ledgers import NOON, PLAIN, entry

from engine.errors import ConfigError
from kws_app.ledger.entries import (
    encode_id,
    from_record,
    id_number,
    is_folder_name,
    is_id,
    parse_label,
    parse_line,
    to_record,
    utc_text,
)

NAMED = replace(PLAIN, id="ab12z", clip_bytes=100)
KEYWORDS = ["left", "right", "yes"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label": "=right"},
        {"kind": "near miss", "reason": "not re-armed"},
        {"keyword": "grüß Gott", "source": 'a "b" \\ c\n'},
    ],
)
def test_an_entry_comes_back(changes: dict[str, Any]) -> None:
    given = replace(NAMED, **changes)
    assert from_record(parse_line(json.dumps(to_record(given)).encode())) == given


def test_a_record_has_what_is_promised() -> None:
    assert to_record(NAMED) == {
        "id": "ab12z",
        "utc": "2026-05-04T12:00:00.000Z",
        "time_s": 2.5,
        "keyword": "yes",
        "kind": "detection",
        "reason": None,
        "score": 0.9,
        "threshold": 0.8,
        "model": "tiny",
        "model_sha256": "abc",
        "source": "mic",
        "clip_bytes": 100,
        "clip": "ab12z.flac",
        "label": None,
    }


def test_times_are_utc() -> None:
    there = timezone(timedelta(hours=-5))
    assert utc_text(NOON.astimezone(there)) == "2026-05-04T12:00:00.000Z"
    record = to_record(NAMED) | {"utc": "2026-05-04T07:00:00-05:00"}
    assert from_record(record) == NAMED


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "../../etc/passwd"},
        {"id": "AB12Z"},
        {"id": "ab1"},
        {"id": 5},
        {"utc": "yesterday"},
        {"utc": "0001-01-01T00:00:00+10:00"},
        {"utc": None},
        {"time_s": "2.5"},
        {"time_s": True},
        {"score": math.nan},
        {"score": None},
        {"clip_bytes": 10**400},
        {"keyword": 3},
        {"kind": "guess"},
        {"label": 1},
        {"reason": []},
    ],
)
def test_damaged_fields(changes: dict[str, Any]) -> None:
    assert from_record(to_record(NAMED) | changes) is None


@pytest.mark.parametrize("record", [None, 3, [], "x", {}, {"id": "ab12z"}])
def test_what_is_no_entry_at_all(record: Any) -> None:
    assert from_record(record) is None


@pytest.mark.parametrize("line", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"\0", b"{'id': 1}"])
def test_lines_that_are_no_json(line: bytes) -> None:
    assert parse_line(line) is None


def test_ids_are_typable_and_their_numbers_unique() -> None:
    long = encode_id(bytes(range(32)))
    assert is_id(long)
    assert len(long) == 40
    assert not set(long) & set("ilou")
    assert len({id_number(name) for name in ("00abc", "0abc0", "000abc", "0000abc")}) == 4


def test_the_word_of_a_label() -> None:
    assert replace(NAMED, label=None).spoken is None
    assert replace(NAMED, label="right").spoken == "yes"
    assert replace(NAMED, label="wrong").spoken == "_unknown_"
    assert replace(NAMED, label="no").spoken == "no"
    assert replace(NAMED, label="=right").spoken == "right"
    assert entry(keyword="right", label="right").spoken == "right"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("right", "right"),
        (" wrong ", "wrong"),
        ("yes", "yes"),
        ("=yes", "yes"),
        ("=right", "=right"),  # the keyword, not the verdict
        ("=good night", "good night"),
    ],
)
def test_labels(text: str, label: str) -> None:
    assert parse_label(text, KEYWORDS) == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("yse", r"'yse' is no keyword of this ledger \(did you mean 'yes'\?\).*; =yse makes a new"),
        ("", "'' cannot be a word"),
        ("=", "'' cannot be a word"),
        ("=_unknown_", "'_unknown_' cannot be a word; it must not be empty, begin with"),
        ("=../x", "cannot be a word"),
        ("=a/b", "cannot be a word"),
        ("=a\nb", "cannot be a word"),
        ("=" + "a" * 201, "cannot be a word"),
    ],
)
def test_labels_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_label(text, KEYWORDS)


def test_names_of_folders() -> None:
    assert is_folder_name("grüß Gott")
    assert not is_folder_name("\udcff")
