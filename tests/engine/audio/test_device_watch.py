"""Waiting for a device beside the program: what counts as there, and that nobody is left behind."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict

import pytest
from fake_sounddevice import FakeSounddevice, PortAudioError, device

from engine.audio import device_watch
from engine.audio.device_watch import DeviceWatch, main
from engine.audio.devices import find_input_device


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], tuple[threading.Thread, list[int]]]:
    """What the process does, on a thread of this one."""
    monkeypatch.setattr(device_watch, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(device_watch, "_end_with_stdin", lambda: None)

    def begin(request: str) -> tuple[threading.Thread, list[int]]:
        statuses: list[int] = []
        thread = threading.Thread(target=lambda: statuses.append(main(request)), daemon=True)
        thread.start()
        return thread, statuses

    return begin


def look_three_times(portaudio: FakeSounddevice, thread: threading.Thread) -> None:
    before = portaudio.scans
    while portaudio.scans < before + 3:
        assert thread.is_alive()
        time.sleep(0.01)


def test_one_that_is_listed_later_is_seen(
    portaudio: FakeSounddevice, wait: Callable[[str], tuple[threading.Thread, list[int]]]
) -> None:
    thread, statuses = wait(json.dumps(["bassoon"]))
    look_three_times(portaudio, thread)
    portaudio.devices.append(device("Bassoon", 1, 44_100.0))
    thread.join(10)
    assert statuses == [0]
    assert portaudio.opened[-1]["device"] == 3
    assert portaudio.streams[-1].is_closed


def test_one_that_is_listed_and_cannot_be_opened_is_not_there(
    portaudio: FakeSounddevice, wait: Callable[[str], tuple[threading.Thread, list[int]]]
) -> None:
    portaudio.open_error = PortAudioError("no microphone behind it")
    known = asdict(find_input_device("USB"))
    thread, statuses = wait(json.dumps([known, None]))
    look_three_times(portaudio, thread)
    assert statuses == []
    portaudio.open_error = None
    thread.join(10)
    assert statuses == [0]


def test_the_process_ends_with_the_watch() -> None:
    watch = DeviceWatch(["no such device at all", None])
    process = watch._process
    assert not watch.is_there()
    watch.close()
    assert process.returncode is not None


def test_the_process_ends_when_the_program_is_killed() -> None:
    watch = DeviceWatch(["no such device at all"])
    assert watch._process.stdin is not None
    watch._process.stdin.close()  # as the kernel does
    assert watch._process.wait(timeout=30) == 1
    watch.close()


def test_a_process_that_fails_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_watch, "_BEGIN_AGAIN_S", 0.2)
    watch = DeviceWatch(["no such device at all"])
    first = watch._process
    first.kill()
    deadline = time.monotonic() + 10
    while watch._process is first and time.monotonic() < deadline:
        assert not watch.is_there()
        time.sleep(0.01)
    second = watch._process
    watch.close()
    assert second is not first
    assert second.stdin is not None
    assert second.stdin.closed


def test_one_that_looks_often_ends_to_be_begun_anew(
    portaudio: FakeSounddevice,
    monkeypatch: pytest.MonkeyPatch,
    wait: Callable[[str], tuple[threading.Thread, list[int]]],
) -> None:
    monkeypatch.setattr(device_watch, "_LOOKS", 3)
    thread, statuses = wait(json.dumps(["bassoon"]))
    thread.join(10)
    assert (statuses, portaudio.scans) == ([2], 3)


def test_one_that_hangs_says_that_nothing_can_be_listed() -> None:
    watch = DeviceWatch(["no such device at all"])
    assert not watch.is_listing()  # it has not looked yet
    deadline = time.monotonic() + 20
    while not watch.is_listing():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    watch._process.send_signal(signal.SIGSTOP)
    while watch.is_listing():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    watch.close()


def test_one_that_cannot_look_holds_up_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", "raise SystemExit(1)"]
    monkeypatch.setattr(device_watch, "module_command", lambda *_: command)
    watch = DeviceWatch(["no such device at all"])
    watch._process.wait(20)
    assert watch.is_listing()
    watch.close()


def test_one_that_cannot_begin_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """No descriptors are left, or the interpreter has been put away by an upgrade."""
    monkeypatch.setattr(device_watch, "_BEGIN_AGAIN_S", 0.2)
    command = device_watch.module_command
    monkeypatch.setattr(device_watch, "module_command", lambda *_: ["/nowhere/python"])
    watch = DeviceWatch(["no such device at all"])
    assert not watch.is_there()
    assert watch.is_listing()  # somebody must
    monkeypatch.setattr(device_watch, "module_command", command)
    deadline = time.monotonic() + 10
    while watch._process is None and time.monotonic() < deadline:
        assert not watch.is_there()
        time.sleep(0.01)
    assert watch._process is not None
    watch.close()
    watch.close()
