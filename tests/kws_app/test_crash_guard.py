"""The first error of any thread ends the console in order, and is the one that is shown."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import KwsError, SourceError
from kws_app import headless
from kws_app.crash_guard import ConsoleGuard
from kws_app.headless import run_headless
from kws_app.outputs import Outputs
from kws_app.settings import Settings


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "kws.log"


def fail() -> None:
    raise ValueError("odd /home/me/secret.wav")


def on_a_thread(call: Callable[[], None]) -> None:
    thread = threading.Thread(target=call, name="helper")
    thread.start()
    thread.join()


def test_nothing_happens_and_nothing_is_left(log: Path) -> None:
    before = threading.excepthook, sys.unraisablehook
    with ConsoleGuard(log):
        assert threading.excepthook is not before[0]
    assert (threading.excepthook, sys.unraisablehook) == before
    assert not log.parent.exists()


def test_an_error_is_one_line_and_a_traceback_in_the_log(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KwsError) as raised, ConsoleGuard(log):
        fail()
    assert str(raised.value) == f"unexpected error: ValueError: odd <path>; the log is {log}"
    text = log.read_text()
    assert 'raise ValueError("odd' in text
    assert text.endswith("ValueError: odd <path>\n")
    assert capsys.readouterr().err == ""


def test_a_talkative_one_shows_the_traceback(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(KwsError, match=r"odd /home/me/secret\.wav"),
        ConsoleGuard(log, verbose=True),
    ):
        fail()
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_log_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(KwsError, match="odd <path>; no log could be written"),
        ConsoleGuard(tmp_path / "file" / "kws.log"),
    ):
        fail()


@pytest.mark.parametrize(
    "error", [SourceError("damaged"), BrokenPipeError(), KeyboardInterrupt(), SystemExit(2)]
)
def test_the_usual_ends_pass(log: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, ConsoleGuard(log):
        raise error
    assert raised.value is error
    assert not log.exists()


def test_an_error_on_a_thread_is_raised_at_the_end(log: Path) -> None:
    with pytest.raises(KwsError, match="unexpected error: ValueError: odd"), ConsoleGuard(log):
        on_a_thread(fail)
    assert "error on thread helper\nTraceback" in log.read_text()


def test_an_error_of_the_usual_kind_on_a_thread_keeps_its_line(log: Path) -> None:
    def refuse() -> None:
        raise SourceError("damaged")

    with pytest.raises(SourceError, match="damaged"), ConsoleGuard(log):
        on_a_thread(refuse)


def test_what_python_can_only_report_is_logged(log: Path) -> None:
    class Odd:
        def __del__(self) -> None:
            raise ValueError("in a destructor")

    with ConsoleGuard(log):
        Odd()
    assert "ValueError: in a destructor" in log.read_text()


def listen(tiny_folder: Path, demo_path: Path, log: Path, **more: object) -> None:
    settings = Settings(
        input=str(demo_path), realtime=True, json=True, model=tiny_folder, backend="cpu", **more
    )
    with ConsoleGuard(log) as guard:
        run_headless(settings, (), guard)


def test_a_thread_that_fails_ends_the_pipeline_in_order(
    tiny_folder: Path,
    demo_path: Path,
    log: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What was recorded until then is kept, and the last line says what became of it."""
    real = Outputs.see

    def see(self: Outputs, scored: object) -> None:
        real(self, scored)  # type: ignore[arg-type]
        on_a_thread(fail)

    monkeypatch.setattr(Outputs, "see", see)
    record = tmp_path / "kept.flac"
    with pytest.raises(KwsError, match="unexpected error: ValueError"):
        listen(tiny_folder, demo_path, log, record=record)
    assert record.stat().st_size > 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("stop", "failed")


def test_the_first_error_is_shown_and_not_the_one_of_the_end(
    tiny_folder: Path, demo_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def see(*_: object) -> None:
        raise ValueError("the first")

    def close(*_: object) -> None:
        raise OSError("the second")

    monkeypatch.setattr(Outputs, "see", see)
    monkeypatch.setattr(Outputs, "__exit__", close)
    with pytest.raises(KwsError, match="ValueError: the first"):
        listen(tiny_folder, demo_path, log)
    assert "while it ended\n" in log.read_text()
    assert "OSError: the second" in log.read_text()


def test_a_printer_that_fails_is_the_first_error(
    tiny_folder: Path, demo_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(*_: object) -> None:
        raise ValueError("the printer")

    monkeypatch.setattr(headless.Printer, "show", show)
    with pytest.raises(KwsError, match="ValueError: the printer"):
        listen(tiny_folder, demo_path, log)
