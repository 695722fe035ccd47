"""When listening stops: nothing waits, nothing stays."""

import threading
from pathlib import Path

import pytest
from actions import PATIENCE_S, RATE_HZ, action, detection, wait_until, web_server
from processes import FAMILY, is_alive, started
from runners import make, outcomes, program, sleeper, touch

from kws_app.actions import runner as module
from kws_app.actions.runner import ActionRunner


def test_what_waits_is_begun_before_the_end(tmp_path: Path) -> None:
    runner, lines = make([touch(tmp_path / "{keyword}")])
    runner.start()
    for keyword in ("yes", "no", "up"):
        runner.put(detection(keyword))
    runner.stop()
    assert {path.name for path in tmp_path.iterdir()} == {"yes", "no", "up"}
    assert lines[-1] == "actions: 3 begun"


def test_the_end_leaves_nobody_behind(pids: Path) -> None:
    with web_server() as server:
        server.may_answer.clear()
        hook = action(f'webhook = "http://{server.address}/"\ntimeout_s = 600')
        both = [program(FAMILY, pids, more="timeout_s = 600"), hook, sleeper(pids, "deaf")]
        runner, lines = make(both)
        runner.start()
        runner.put(detection())
        family = started(pids, 3)
        wait_until(lambda: server.requests)
        runner.stop()
        wait_until(lambda: not any(map(is_alive, family)))
        wait_until(lambda: not runner._thread.is_alive())
        wait_until(lambda: not any(each.name == "action" for each in threading.enumerate()))
    assert outcomes(lines) == ["ended, since listening stopped"] * 3
    assert lines[-1] == "actions: 3 begun, 3 failed"
    runner.stop()  # once more does nothing


def test_the_end_waits_for_nobody_who_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(module, "press", lambda _: hung.wait(3 * PATIENCE_S))
    runner, lines = make([action('keystroke = "m"\ntimeout_s = 600')])
    runner.start()
    runner.put(detection())
    wait_until(lambda: runner._in_flight)
    runner.stop()
    assert not hung.is_set()
    wait_until(lambda: not runner._thread.is_alive())
    assert outcomes(lines) == ["ended, since listening stopped"]
    hung.set()


def test_the_end_waits_for_no_log_that_hangs() -> None:
    hung = threading.Event()
    runner = ActionRunner(
        [action('command = ["true"]')], RATE_HZ, lambda _: hung.wait(PATIENCE_S) and None
    )
    runner.start()
    runner.put(detection())
    runner.stop()
    assert runner._thread.is_alive()
    assert runner._thread.daemon
    hung.set()
    runner._thread.join(PATIENCE_S)


def test_stopping_what_was_not_started() -> None:
    make([action('command = ["true"]')])[0].stop()
