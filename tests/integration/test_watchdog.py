"""Seen from outside: a supervisor is told of scored windows, and of nothing without them."""

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from actions import wait_until
from program import run, start
from supervisor import Supervisor
from virtual_microphone import missing_program, pluggable_microphone

QUIET_S = 2.5  # more than the 2 s after which this supervisor would end the program
SECOND = np.zeros(16_000, "<i2").tobytes()


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "notify")
    yield made
    made.socket.close()


def pings(supervisor: Supervisor) -> int:
    return supervisor.told().count("WATCHDOG=1")


def end(program: "subprocess.Popen[bytes]", supervisor: Supervisor) -> None:
    program.send_signal(signal.SIGTERM)
    program.communicate(timeout=20)
    assert program.returncode == 0
    assert supervisor.told()[-1] == "STOPPING=1"


def test_a_pipe_that_falls_silent_feeds_no_watchdog(
    supervisor: Supervisor, tiny_folder: Path
) -> None:
    program = start(
        *("--headless", "--json", "--quiet", "--input", "-", "--model", tiny_folder),
        stdin=subprocess.PIPE,
        **supervisor.environment,
    )
    assert program.stdin is not None
    time.sleep(1)
    assert supervisor.told() == []  # it runs, and hears nothing
    program.stdin.write(SECOND)
    program.stdin.flush()
    wait_until(lambda: "READY=1" in supervisor.told())
    time.sleep(0.2)
    supervisor.told()
    time.sleep(QUIET_S)
    assert supervisor.told() == []
    program.stdin.write(SECOND)
    program.stdin.flush()
    wait_until(lambda: pings(supervisor))
    end(program, supervisor)


def test_a_stopped_program_feeds_no_watchdog(
    supervisor: Supervisor, tiny_folder: Path, demo_path: Path
) -> None:
    program = start(
        *("--headless", "--json", "--quiet", "--realtime", "--input", demo_path),
        *("--model", tiny_folder),
        **supervisor.environment,
    )
    wait_until(lambda: pings(supervisor))
    program.send_signal(signal.SIGSTOP)
    time.sleep(0.1)
    supervisor.told()
    time.sleep(1)
    assert supervisor.told() == []
    program.send_signal(signal.SIGCONT)
    wait_until(lambda: pings(supervisor))
    end(program, supervisor)


def test_a_sound_server_that_hangs_feeds_no_watchdog(
    supervisor: Supervisor, tiny_folder: Path
) -> None:
    missing = missing_program()
    if missing is not None:
        pytest.skip(f"no virtual microphone: {missing} is not installed")
    if "PortAudio is missing" in run("--list-devices").stderr:
        pytest.skip("no virtual microphone: PortAudio is not installed")
    with pluggable_microphone() as server:
        if " pulse " not in run("--list-devices", **server.variables).stdout:
            pytest.skip("no virtual microphone: ALSA has no pulse device (libasound2-plugins)")
        program = start(
            *("--headless", "--json", "--quiet", "--device", "pulse", "--model", tiny_folder),
            **server.variables,
            **supervisor.environment,
        )
        wait_until(lambda: pings(supervisor))
        server.hang()
        time.sleep(0.5)  # what was on its way is scored still
        supervisor.told()
        time.sleep(QUIET_S)
        assert supervisor.told() == []
        server.go_on()
        wait_until(lambda: pings(supervisor))
        end(program, supervisor)
