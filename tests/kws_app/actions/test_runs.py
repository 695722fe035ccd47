"""Real programs and real threads: how they end, and that nothing of them stays."""

import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from actions import PATIENCE_S, wait_until
from processes import FAMILY, SLEEPER, is_alive, started

from engine.errors import KwsError
from kws_app.actions.runs import CallRun, Line, Outcome, ProgramRun


def python(script: str, *arguments: str) -> ProgramRun:
    return ProgramRun([sys.executable, "-c", script, *arguments])


def ended(run: ProgramRun | CallRun) -> Outcome:
    wait_until(lambda: run.outcome() is not None)
    outcome = run.outcome()
    assert outcome is not None
    return outcome


@pytest.mark.parametrize(
    ("script", "text", "failed"),
    [
        ("", "exit status 0", False),
        ("raise SystemExit(3)", "exit status 3", True),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL", True),
        ("import os; os.kill(os.getpid(), 40)", "ended by signal 40", True),
    ],
)
def test_how_programs_end(script: str, text: str, failed: bool) -> None:
    assert ended(python(script)) == Outcome(text=text, failed=failed)


def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    arguments = ["; touch x", "$(touch y) `touch z`", "a  b|c>d&", "*", "", "-n", "ä\n'\""]
    script = "import json, sys; json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
    path = tmp_path / "got"
    assert not ended(python(script, str(path), *arguments)).failed
    assert json.loads(path.read_text()) == arguments


def test_a_program_has_no_input_no_output_and_no_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = """
import os, sys
print("noise"); print("noise", file=sys.stderr)
open(sys.argv[1], "w").write(f"{sys.stdin.read()!r} {os.getsid(0) == os.getpid()} "
                             f"{os.listdir('/proc/self/fd')}")
"""
    path = tmp_path / "open here"
    path.write_text("typed")
    own_input = os.dup(0)
    with path.open() as file:
        os.set_inheritable(file.fileno(), True)
        os.dup2(file.fileno(), 0)
        try:
            assert not ended(python(script, str(tmp_path / "got"))).failed
        finally:
            os.dup2(own_input, 0)
            os.close(own_input)
    # 3 and 4: what it opened itself and the listing.
    assert (tmp_path / "got").read_text() == "'' True ['0', '1', '2', '3', '4']"
    assert capfd.readouterr() == ("", "")


def test_what_cannot_be_started() -> None:
    with pytest.raises(FileNotFoundError):
        ProgramRun(["/no/such/program"])
    with pytest.raises(ValueError, match="null byte"):
        ProgramRun(["true", "\0"])


def test_asked_to_end(pids: Path) -> None:
    run = python(SLEEPER, str(pids))
    (pid,) = started(pids, 1)
    run.end()
    wait_until(lambda: not is_alive(pid))
    assert run.outcome() is None  # not reaped before the kill: its number stays its own
    run.kill()
    assert ended(run).failed


def test_the_whole_group_is_killed_and_reaped(pids: Path) -> None:
    run = python(FAMILY, str(pids))
    leader = run._process.pid
    family = started(pids, 2)
    assert leader in family
    run.end()
    wait_until(lambda: not is_alive(leader))
    assert [is_alive(pid) for pid in family if pid != leader] == [True]
    run.kill()
    assert ended(run) == Outcome(text="ended by SIGTERM", failed=True)
    wait_until(lambda: not any(map(is_alive, family)))
    with pytest.raises(ChildProcessError):
        os.waitpid(leader, os.WNOHANG)


def test_nobody_is_hit_after_it_was_reaped(monkeypatch: pytest.MonkeyPatch) -> None:
    run = python("")
    ended(run)
    hit: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda pid, _: hit.append(pid))
    run.end()
    run.kill()
    assert hit == []
    assert ended(run).text == "exit status 0"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KwsError("refused"), "refused"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "cut off"),
        (ValueError("Invalid header value b'hush'"), "failed with ValueError"),
        (RuntimeError("hush"), "failed with RuntimeError"),
    ],
)
def test_how_calls_fail(error: Exception, text: str) -> None:
    def call(_: Line) -> Outcome:
        raise error

    assert ended(CallRun(call)) == Outcome(text=text, failed=True)


def test_a_call_that_waits_is_cut_off() -> None:
    here, there = socket.socketpair()
    ready = threading.Event()

    def call(line: Line) -> Outcome:
        line.opened(here)
        ready.set()
        return Outcome(text=repr(here.recv(1)), failed=False)

    with here, there:
        run = CallRun(call)
        assert ready.wait(PATIENCE_S)
        assert run.outcome() is None
        run.end()
        assert ended(run).text == "b''"


def test_a_call_that_was_cut_off_before_it_had_a_connection() -> None:
    here, there = socket.socketpair()
    cut = threading.Event()

    def call(line: Line) -> Outcome:
        assert cut.wait(PATIENCE_S)
        line.opened(here)
        return Outcome(text="sent all the same", failed=False)

    with here, there:
        run = CallRun(call)
        run.end()
        cut.set()
        assert ended(run) == Outcome(text="cut off", failed=True)
