"""Detections in, actions and lines out; nothing waits, nothing stays."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from actions import PATIENCE_S, RATE_HZ, MqttServer, action, detection, wait_until, web_server
from processes import FAMILY, is_alive, started
from runners import make, outcomes, program, sleeper, touch

from kws_app.actions import runner as module
from kws_app.actions.runner import MAX_AT_ONCE, ActionRunner
from kws_app.actions.runs import Outcome


def test_each_run_has_one_line(tmp_path: Path) -> None:
    path = tmp_path / "{keyword} {score}"
    runner, lines = make([touch(path)])
    with runner:
        runner.put(detection("yes", 2.0))
    assert (tmp_path / "yes 0.9375").exists()
    assert lines == [
        f"action 1, yes at 2.00 s: command touch '{tmp_path}/yes 0.9375': exit status 0",
        "actions: 1 begun",
    ]


def test_metacharacters_are_letters(tmp_path: Path) -> None:
    keyword = f"; touch {tmp_path}/x #"
    runner, lines = make([program("", "{keyword}", "$(touch {keyword})")])
    with runner:
        runner.put(detection(keyword))
    assert outcomes(lines) == ["exit status 0"]
    assert list(tmp_path.iterdir()) == []


def test_a_line_is_one_line() -> None:
    runner, lines = make([action('command = ["true", "a\\nkws: \\u001b[2J"]')])
    with runner:
        runner.put(detection("ye\ns"))
    assert lines[0] == (
        "action 1, ye\\ns at 1.50 s: command true 'a\\nkws: \\x1b[2J': exit status 0"
    )


@pytest.mark.parametrize("level", [-1, 0, 1])
def test_levels(tmp_path: Path, level: int) -> None:
    both = [action('command = ["true"]\ncooldown_s = 1'), action('command = ["false"]')]
    runner, lines = make(both, level=level)
    with runner:
        runner.put(detection(time_s=1.0))
        runner.put(detection(time_s=1.5))
    expected = ["exit status 1"] * 2
    expected += ["exit status 0"] * (level >= 0) + ["skipped, cooldown"] * (level >= 1)
    assert sorted(outcomes(lines)) == sorted(expected)
    assert ("actions: 3 begun, 2 failed" in lines) == (level >= 0)


def test_cooldown_is_for_each_action(tmp_path: Path) -> None:
    path = tmp_path / "{keyword}{time_s}"
    runner, _ = make([touch(path, 'cooldown_s = 1\nkeyword = ["yes", "no"]'), touch(f"{path}x")])
    with runner:
        for keyword, time_s in (("yes", 1.0), ("no", 1.5), ("no", 2.0), ("up", 3.5)):
            runner.put(detection(keyword, time_s))
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"yes1.0", "no2.0", "yes1.0x", "no1.5x", "no2.0x", "up3.5x"}


def test_dry_runs_do_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = [
        touch(tmp_path / "x"),
        action('webhook = "http://127.0.0.1:1/"'),
        action('mqtt = "t"\nhost = "127.0.0.1"'),
        action('keystroke = "m"'),
    ]

    def fail(*_: object) -> None:
        raise AssertionError

    for name in ("ProgramRun", "CallRun"):
        monkeypatch.setattr(module, name, fail)
    runner, lines = make(kinds, dry_run=True)
    with runner:
        runner.put(detection())
    assert outcomes(lines) == ["dry run"] * 4
    assert lines[-1] == "actions: 4 only said"
    monkeypatch.undo()
    one, lines = make([touch(tmp_path / "x", "dry_run = true\ncooldown_s = 1")], level=1)
    with one:
        one.put(detection(time_s=1.0))
        one.put(detection(time_s=1.5))
    assert outcomes(lines) == ["dry run", "skipped, cooldown"]
    assert list(tmp_path.iterdir()) == []


def test_without_enabled_actions_there_is_no_thread(tmp_path: Path) -> None:
    runner, lines = make([touch(tmp_path / "x", "enabled = false")])
    before = threading.active_count()
    with runner:
        assert threading.active_count() == before
        for _ in range(1_000):
            runner.put(detection())
    assert (lines, runner.dropped, list(tmp_path.iterdir())) == ([], 0, [])


def test_a_slow_one_delays_no_other(pids: Path, tmp_path: Path) -> None:
    with web_server() as server:
        server.may_answer.clear()
        slow = action(f'webhook = "http://{server.address}/"')
        runner, lines = make([sleeper(pids), slow, touch(tmp_path / "{keyword}")])
        with runner:
            runner.put(detection("yes"))
            wait_until((tmp_path / "yes").exists)
            assert server.requests
            assert outcomes(lines) in ([], ["exit status 0"])
            runner.put(detection("no"))
            wait_until((tmp_path / "no").exists)


def test_put_never_waits_and_losses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    held, entered = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        entered.set()
        held.wait(PATIENCE_S)

    lines: list[str] = []
    told: list[Callable[[str], object]] = [hold]
    runner = ActionRunner(
        [action('command = ["true"]\ndry_run = true')],
        RATE_HZ,
        lambda line: (lines.append(line), told[0](line)),
    )
    runner.start()
    runner.put(detection(time_s=0))
    assert entered.wait(PATIENCE_S)
    putting = threading.Thread(
        target=lambda: [runner.put(detection(time_s=number)) for number in range(1, 101)],
        daemon=True,
    )
    putting.start()
    putting.join(PATIENCE_S / 2)
    assert not putting.is_alive()
    told[0] = str
    held.set()
    wait_until(lambda: len(lines) == 65)
    runner.stop()
    assert runner.dropped == 36  # 100 less the 64 that fit
    assert "stop at 37.00 s" in lines[1]  # the oldest were dropped
    assert lines[-1] == "actions: 65 only said, 36 detections lost"
    runner.put(detection())
    assert runner.dropped == 37  # after the end as well


def test_losses_are_told_to_the_quiet_too() -> None:
    runner, lines = make([action('command = ["true"]')], level=-1)
    runner.start()
    runner._queue.close()
    runner.put(detection())
    runner.stop()
    assert lines == ["actions: 1 detections lost"]


def test_so_many_at_once_and_no_more(pids: Path, tmp_path: Path) -> None:
    runner, lines = make([sleeper(pids, more="cooldown_s = 1")], level=-1)
    with runner:
        for number in range(MAX_AT_ONCE + 2):
            runner.put(detection(time_s=number * 2))
        wait_until(lambda: len(lines) == 2)
        family = started(pids, MAX_AT_ONCE)
        assert outcomes(lines) == [f"refused, {MAX_AT_ONCE} actions are under way"] * 2
        # Refused is not begun: no cooldown.
        os.kill(family[0], 9)
        wait_until(lambda: len(lines) == 3)
        runner.put(detection(time_s=(MAX_AT_ONCE + 1) * 2 + 0.5))
        started(pids, MAX_AT_ONCE + 1)


def test_a_program_that_overstays_is_killed_with_its_family(pids: Path) -> None:
    runner, lines = make([program(FAMILY, pids, more="timeout_s = 600")])
    with runner:
        runner.put(detection())
        family = started(pids, 2)
        assert runner._in_flight[0].ends_at > time.monotonic() + 500
        runner._in_flight[0].ends_at = 0
        wait_until(lambda: not any(map(is_alive, family)))
        wait_until(lambda: not runner._in_flight)
        assert outcomes(lines) == ["not over after 600 s, ended"]
    assert lines[-1] == "actions: 1 begun, 1 failed"


def test_a_call_that_overstays_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = threading.Event()

    def hang(*arguments: Any) -> Outcome:
        line = arguments[-1]
        monkeypatch.setattr(line, "cut", cut.set)
        cut.wait(PATIENCE_S)
        return Outcome(text="too late", failed=False)

    monkeypatch.setattr(module, "call_webhook", hang)
    runner, lines = make([action('webhook = "http://h/"\ntimeout_s = 0.1')])
    with runner:
        runner.put(detection())
        assert cut.wait(PATIENCE_S)
        wait_until(lambda: not runner._in_flight)
    assert outcomes(lines) == ["not over after 0.1 s, ended"]


def test_failures_are_told_and_the_next_one_is_done(tmp_path: Path) -> None:
    all_kinds = [
        action('command = ["/no/such/program"]'),
        action('command = ["true", "{keyword}"]'),
        action('webhook = "http://127.0.0.1:1/"'),
        action('mqtt = "kws/{keyword}"\nhost = "127.0.0.1"\nport = 1'),
        touch(tmp_path / "done"),
    ]
    runner, lines = make(all_kinds)
    with runner:
        runner.put(detection("\0"))
        wait_until(lambda: len(lines) == 5)
    assert sorted(outcomes(lines)) == [
        "Connection refused",
        "Connection refused",
        "No such file or directory",
        "ValueError",
        "exit status 0",
    ]
    assert (tmp_path / "done").exists()


def test_a_thread_that_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(module, "CallRun", fail)
    runner, lines = make([action('webhook = "http://h/"')])
    with runner:
        runner.put(detection())
    assert lines[0].endswith("webhook http://h: not begun: RuntimeError")


def test_secrets_are_in_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "hush3")
    server = MqttServer(tmp_path, "allow_anonymous false")
    server.start()
    (tmp_path / "pass").write_text("hush4")
    with web_server() as web:
        web.status = 401
        runner, lines = make(
            [
                action(f"""
                    webhook = "http://{web.address}/hush1?token=hush1"
                    headers = {{ A = "hush2", B = {{ env = "HOOK_TOKEN" }} }}
                """),
                action('webhook = "http://127.0.0.1:1/hush1"\nheaders = { A = "hush2" }'),
                action(f"""
                    mqtt = "t"
                    host = "127.0.0.1"
                    port = {server.port}
                    username = "me"
                    password_file = "{tmp_path / "pass"}"
                    payload = "hush5"
                """),
            ],
            level=1,
        )
        with runner:
            runner.put(detection())
            wait_until(lambda: len(lines) == 3)
            monkeypatch.setenv("HOOK_TOKEN", "hush3\nhush3")
            runner.put(detection(time_s=2))
            wait_until(lambda: len(lines) == 6)
        assert web.requests[0]["headers"]["B"] == "hush3"
    server.stop()
    assert "hush" not in "\n".join(lines)
    assert outcomes(lines[:3]).count("HTTP 401 Unauthorized") == 1


def test_messages_reach_the_broker(tmp_path: Path) -> None:
    server = MqttServer(tmp_path)
    server.start()
    try:
        broker = f'host = "127.0.0.1"\nport = {server.port}'
        three = [
            action(f'mqtt = "kws/{{keyword}}"\n{broker}'),
            action(f"mqtt = 'lamp'\npayload = '{{\"on\": {{score}}}}'\n{broker}"),
            action(f"mqtt = 'word'\npayload = '[\"{{keyword}}\"]'\n{broker}"),
        ]
        runner, lines = make(three)
        with server.watched(), runner:
            runner.put(detection('st"op'))
            wait_until(lambda: len(server.messages) == 3)
            wait_until(lambda: len(lines) == 3)
            assert len(runner._connections) == 1
            client = next(iter(runner._connections.values()))._client
        assert client is not None
        wait_until(lambda: not client.is_connected())
    finally:
        server.stop()
    assert outcomes(lines) == ["acknowledged"] * 3
    assert sorted(server.messages) == [
        (
            'kws/st"op',
            r'{"keyword": "st\"op", "score": 0.9375, "time_s": 1.5, "threshold": 0.75}',
            1,
        ),
        ("lamp", '{"on": 0.9375}', 1),
        ("word", r'["st\"op"]', 1),
    ]
