"""Every kind of error has its exit status."""

import signal
import sys
from collections.abc import Iterator

import pytest

from engine.errors import (
    BackendError,
    ConfigError,
    DeviceError,
    KwsError,
    ModelError,
    SourceError,
)
from kws_app import __main__ as program
from kws_app import __version__


@pytest.fixture(autouse=True)
def old_handler() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


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
    def fail(_: object) -> None:
        raise kind("what was got, what was wanted")

    monkeypatch.setattr(program, "_run", fail)
    assert program.main() == status
    assert capsys.readouterr().err == "kws: what was got, what was wanted\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_listening_is_no_error(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def interrupt(_: object) -> None:
        signal.raise_signal(number)

    monkeypatch.setattr(program, "_run", interrupt)
    assert program.main() == 0


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
    monkeypatch.setitem(program._COMMANDS, "ledger", given.append)
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
