"""The bundled unit under a real systemd, which runs it as that of a person who has logged in."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from actions import wait_until
from program import json_lines
from user_manager import UserManager, missing, user_manager
from virtual_microphone import VirtualMicrophone, play, pluggable_microphone

# Else a test would take half a minute each time.
SOON = "RestartSec=0.2\nWatchdogSec=4"
LISTEN = 'device = "pulse"\n'


@pytest.fixture(scope="module")
def systemd() -> None:
    if (reason := missing()) is not None:
        pytest.skip(f"no systemd: {reason}")


@pytest.fixture
def manager(systemd: None, tmp_path: Path) -> Iterator[UserManager]:
    with user_manager(tmp_path) as made:
        yield made


@pytest.fixture
def server(microphone: dict[str, str]) -> Iterator[VirtualMicrophone]:
    """A microphone of the test's own; the other one tells whether there can be one."""
    with pluggable_microphone() as made:
        yield made


def install(manager: UserManager, server: VirtualMicrophone, more: str) -> None:
    folder = server.variables["HOME"]
    manager.install(LISTEN, more=f"{more}\nBindReadOnlyPaths={folder}", **server.variables)


def listen(manager: UserManager, server: VirtualMicrophone, more: str = SOON) -> None:
    install(manager, server, more)
    manager.begin()
    started = manager("start", "kws")
    assert (started.returncode, started.stderr) == (0, ""), manager.log.read_text()


def words(manager: UserManager) -> list[str]:
    lines = json_lines(manager.out.read_text())
    return [line["keyword"] for line in lines if line["event"] == "detection"]


def starts(manager: UserManager) -> int:
    return manager.out.read_text().count('"event": "start"')


def test_it_is_active_once_it_hears(
    manager: UserManager, server: VirtualMicrophone, demo_path: Path, tmp_path: Path
) -> None:
    listen(manager, server)
    assert manager.shown("ActiveState") == "active"
    assert starts(manager) == 1
    wav = tmp_path / "demo.wav"
    soundfile.write(wav, *soundfile.read(demo_path, dtype="int16"))
    play(wav, server.variables)
    assert words(manager) == ["yes", "stop", "left", "right", "no"]
    assert manager("stop", "kws").returncode == 0
    assert (manager.shown("Result"), manager.shown("NRestarts")) == ("success", "0")
    assert json_lines(manager.out.read_text())[-1]["event"] == "stop"
    assert manager.err.read_text() == ""


def test_it_is_killed_and_hears_again(manager: UserManager, server: VirtualMicrophone) -> None:
    listen(manager, server)
    manager("kill", "--signal", "KILL", "kws")
    wait_until(lambda: starts(manager) == 2)
    wait_until(lambda: manager.shown("ActiveState") == "active")
    assert manager.shown("NRestarts") == "1"


def test_one_that_hears_nothing_is_ended(manager: UserManager, server: VirtualMicrophone) -> None:
    """The sound server hangs: the process lives, and nothing is scored."""
    listen(manager, server)
    time.sleep(5)
    assert manager.shown("NRestarts") == "0"  # longer than the watchdog waits
    server.hang()
    wait_until(lambda: manager.shown("NRestarts") != "0")
    server.go_on()
    wait_until(lambda: starts(manager) >= 2)
    wait_until(lambda: manager.shown("ActiveState") == "active")


def test_wrong_settings_are_not_tried_again(manager: UserManager) -> None:
    manager.install("treshold = 0.5\n", more=SOON)
    manager.begin()
    assert manager("start", "kws").returncode != 0
    time.sleep(1)
    assert manager.shown("ExecMainStatus") == "2"
    assert (manager.shown("ActiveState"), manager.shown("NRestarts")) == ("failed", "0")
    assert "treshold" in manager.err.read_text()
    assert "Traceback" not in manager.err.read_text()


def test_no_device_is_tried_again(manager: UserManager) -> None:
    manager.install('device = "none of these"\n', more=SOON)
    manager.begin()
    assert manager("start", "kws").returncode != 0
    wait_until(lambda: int(manager.shown("NRestarts")) >= 2)
    assert manager.shown("ExecMainStatus") in ("0", "3")  # 0 while it is being started


def test_it_writes_where_it_may_and_nowhere_else(
    manager: UserManager, server: VirtualMicrophone
) -> None:
    wanted = f"{SOON}\nEnvironment=KWS_HEALTH=/run/health"
    listen(manager, server, f"{wanted}\nReadWritePaths=/run")
    wait_until(manager.run_path("health").exists)
    manager("stop", "kws")
    assert not manager.run_path("health").exists()
    install(manager, server, wanted)
    manager("daemon-reload")
    assert manager("start", "kws").returncode == 0
    wait_until(lambda: "Read-only file system" in manager.err.read_text())
    assert not manager.run_path("health").exists()
