"""Progress is plain lines in a pipe and a bar on a terminal."""

import os
import pty
from collections.abc import Iterator

import pytest

from training import progress as module
from training.progress import ProgressReport


def test_plain_lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    with ProgressReport("reading", 10, unit="clips", done=2) as progress:
        for _ in range(8):
            now[0] += 6
            progress.advance()
        progress.say("half way")
    captured = capsys.readouterr()
    assert captured.out == "half way\n"
    assert captured.err.splitlines() == [
        "reading: 4 of 10 clips, 40%, 0:00:36 left",
        "reading: 6 of 10 clips, 60%, 0:00:24 left",
        "reading: 8 of 10 clips, 80%, 0:00:12 left",
        "reading: 10 of 10 clips, 100%, 0:00:48",
        "reading: 10 of 10 clips, 100%, 0:00:48",
    ]


def test_no_last_line_after_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="x"), ProgressReport("reading", 10):
        raise ValueError("x")
    assert capsys.readouterr().err == ""


def read_all(master: int) -> Iterator[str]:
    """Everything that the closed terminal showed."""
    while True:
        try:
            yield os.read(master, 65_536).decode()
        except OSError:  # the other end is closed
            os.close(master)
            return


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setenv("TERM", "xterm")
        with ProgressReport("reading", 4, unit="clips") as progress:
            progress.advance(4)
            progress.say("done [all]")
    text = "".join(read_all(master))
    assert "reading" in text
    assert "4/4" in text
    assert "done [all]" in text
