"""A ledger has one speaker, and remembers what was listened for."""

import re
from pathlib import Path

import pytest

from kws_app.ledger.about import NAME, read_about


def test_the_speaker_stays_and_keywords_add_up(tmp_path: Path) -> None:
    first = read_about(tmp_path, ["yes", "no"])
    assert re.fullmatch(r"ledger-[0-9a-f]{8}", first.speaker)
    second = read_about(tmp_path, ["lamp"])
    assert second.speaker == first.speaker
    assert read_about(tmp_path).keywords == {"yes", "no", "lamp"}
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_two_ledgers_have_two_speakers(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert read_about(tmp_path / "a").speaker != read_about(tmp_path / "b").speaker


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"speaker": "../x", "keywords": 3}', '{"speaker": 3}']
)
def test_a_damaged_file_is_made_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    about = read_about(tmp_path, ["yes"])
    assert re.fullmatch(r"ledger-[0-9a-f]{8}", about.speaker)
    assert about.keywords == {"yes"}
    assert read_about(tmp_path) == about


def test_nothing_is_written_when_there_is_nothing_new(tmp_path: Path) -> None:
    read_about(tmp_path, ["yes"])
    before = (tmp_path / NAME).stat().st_ino
    read_about(tmp_path, ["yes"])
    assert (tmp_path / NAME).stat().st_ino == before
