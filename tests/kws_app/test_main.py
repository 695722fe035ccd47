"""Every kind of error has its exit status."""

import contextlib
import signal
import sys
from collections.abc import Iterator

import pytest

from engine.audio import native_threads
from engine.errors import (
    BackendError,
    ConfigError,
    DeviceError,
    KwsError,
    ModelError,
    SourceError,
)
from kws_app import __main__ as entry
from kws_app import __version__, signals
from kws_app import command_line as program
from kws_app.flags import COMMANDS

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def old_handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ConfigError, 2),
        (DeviceError, 3),
        (ModelError, 4),
        (SourceError, 1),
        (BackendError, 1),
        (KwsError, 1),
    ],
)
def test_statuses(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: type[KwsError],
    status: int,
) -> None:
    def fail() -> None:
        raise kind("what was got, what was wanted")

    monkeypatch.setattr(program, "_chosen", lambda _: fail)
    assert program.main() == status
    assert capsys.readouterr().err == "kws: what was got, what was wanted\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_before_listening_is_no_error(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupt() -> None:
        signal.raise_signal(number)
        pytest.fail("it went on")

    monkeypatch.setattr(program, "_chosen", lambda _: interrupt)
    assert program.main() == 0


def test_an_import_that_a_signal_cuts_off_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise KwsError("unexpected error: ImportError: initialization failed") from None

    monkeypatch.setattr(program, "_chosen", lambda _: load)
    assert program.main() == 0
    assert capsys.readouterr().err == ""


def test_the_first_signal_counts() -> None:
    signals.interrupt()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)  # the end is under way
    signals.interrupt()
    asked: list[int] = []
    with signals.call(lambda: asked.append(1)):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    assert asked == [1, 1]


def test_a_signal_that_got_lost_before_listening_ends_it() -> None:
    """As in a finalizer, or in what Python calls while it imports."""
    signals.interrupt()
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert signals.is_cut_off()
    asked: list[int] = []
    with signals.call(lambda: asked.append(1)):
        assert asked == [1]
    assert not signals.is_cut_off()


def test_an_error_of_listening_is_told_also_after_a_signal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def listen() -> None:
        with signals.call(lambda: None):
            signal.raise_signal(signal.SIGINT)
            raise KwsError("cannot write --record r.flac: No space left on device")

    monkeypatch.setattr(program, "_chosen", lambda _: listen)
    assert program.main() == 1
    assert capsys.readouterr().err.startswith("kws: cannot write --record r.flac")


def test_nohup_is_meant() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.interrupt()
    signal.raise_signal(signal.SIGHUP)


@pytest.mark.parametrize(
    ("flag", "text"), [("--version", f"kws {__version__}"), ("--help", "Exit status: 0 done")]
)
def test_version_and_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], flag: str, text: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["kws", flag])
    with pytest.raises(SystemExit) as end:
        program.main()
    assert end.value.code == 0
    assert text in capsys.readouterr().out


def test_printed_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kws", "--print-config", "--smoothing", "4"])
    assert program.main() == 0
    assert "smoothing = 4\n" in capsys.readouterr().out


def test_a_command_of_its_own_gets_what_follows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[list[str]] = []
    monkeypatch.setitem(program._COMMANDS, "ledger", lambda: given.append)
    monkeypatch.setattr(sys, "argv", ["kws", "ledger", "list", "DIR", "--json"])
    assert program.main() == 0
    assert given == [["list", "DIR", "--json"]]


def test_the_ledger_is_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kws", "ledger", "list", "/nowhere"])
    assert program.main() == 2
    assert capsys.readouterr().err == "kws: /nowhere is no ledger; it has no ledger.jsonl\n"
    monkeypatch.setattr(sys, "argv", ["kws", "--ledger", "list", "--print-config"])  # a setting
    assert program.main() == 0
    assert 'ledger = "list"\n' in capsys.readouterr().out


def test_what_goes_with_headless_opens_no_window(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kws", "--max-detections", "2"])
    assert program.main() == 2
    line = "kws: --max-detections goes with --headless; the window does not have it\n"
    assert capsys.readouterr().err == line


def test_help_names_every_command() -> None:
    assert set(COMMANDS) == set(program._COMMANDS)


@pytest.mark.parametrize(("was_found", "expected"), [(True, [1]), (False, [])])
def test_a_thread_that_nobody_can_end_cuts_the_end_short(
    was_found: bool, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(native_threads, "_was_found", was_found)
    monkeypatch.setattr(entry.os, "_exit", ended.append)
    entry._end_beside_a_runaway(1)
    assert ended == expected
