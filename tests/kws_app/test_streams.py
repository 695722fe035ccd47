"""Questions to a person, or to nobody; lines from several threads."""

import io
import sys

import pytest

from kws_app.streams import ask, say


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
