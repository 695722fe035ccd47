"""Questions to a person, or to nobody; lines from several threads."""

import contextlib
import io
import os
import sys

import pytest

from kws_app import streams
from kws_app.streams import ask, emit, say


def typed(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))


def test_a_line_comes_without_its_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, b"yes \n\nlast")
    assert [ask("really?") for _ in range(4)] == ["yes ", "", "last", None]
    assert capsys.readouterr().out == "really? " * 4


def test_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert ask("really?") is None


def test_bytes_that_are_no_text_are_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, b"\xff\n")
    assert ask("really?") == ""
    assert ask("really?") is None


def test_a_line_is_written_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    class Log(io.StringIO):
        def write(self, text: str) -> int:
            written.append(text)
            return len(text)

    monkeypatch.setattr(sys, "stderr", Log())
    say("from one of several threads")
    assert [text for text in written if text] == ["kws: from one of several threads\n"]


def test_lines_that_had_no_reader_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    read_end, write_end = os.pipe()
    monkeypatch.setattr(streams, "_SAY_WAIT_S", 0.01)
    with os.fdopen(write_end, "w") as stalled, os.fdopen(read_end, "rb", buffering=0) as reader:
        monkeypatch.setattr(sys, "stderr", stalled)
        os.set_blocking(write_end, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write_end, bytes(4096))
        os.set_blocking(write_end, True)
        say("first")
        say("second")
        reader.read(1 << 20)
        say("third")
        said = reader.read(4096)
        say("fourth")
        assert said == b"kws: 2 lines before this one had no reader\nkws: third\n"
        assert reader.read(4096) == b"kws: fourth\n"


def test_what_a_terminal_would_obey_is_shown_and_not_sent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    emit("bell \a, title \x1b]0;mine\x07, csi \x9b2J, tab\t, umlaut ü")
    say("name\x1b[2J")
    said = capsys.readouterr()
    assert said.out == "bell \\x07, title \\x1b]0;mine\\x07, csi \\x9b2J, tab\t, umlaut ü\n"
    assert said.err == "kws: name\\x1b[2J\n"
