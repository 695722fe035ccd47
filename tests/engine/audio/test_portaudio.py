"""The module is imported when it is needed; without PortAudio one line says what to install."""

import atexit
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_sounddevice import FakeSounddevice, PortAudioError, refuse_import
from program import ROOT, environment

from engine.audio import portaudio
from engine.audio.portaudio import load_sounddevice, rescan, within
from engine.errors import DeviceError

SOON_S, PATIENCE_S = 0.05, 20


def test_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert load_sounddevice("nothing works") is fake


def test_a_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_import(monkeypatch, OSError("PortAudio library not found"))
    with pytest.raises(DeviceError) as raised:
        load_sounddevice("nothing works", ", or do without")
    assert str(raised.value) == (
        "PortAudio is missing, so nothing works; install it "
        "(Debian, Ubuntu: apt-get install libportaudio2), or do without"
    )


def test_a_portaudio_that_does_not_begin_is_one_error_and_begins_later() -> None:
    class Refusing(FakeSounddevice):
        is_begun, is_refusing = True, True

        def _terminate(self) -> None:
            if not self.is_begun:
                raise self.PortAudioError("PortAudio not initialized")
            self.is_begun = False

        def _initialize(self) -> None:
            if self.is_refusing:
                raise self.PortAudioError("Error initializing PortAudio")
            self.is_begun = True

    fake = Refusing()
    for _ in range(2):
        with pytest.raises(DeviceError, match="PortAudio does not begin: Error initializing"):
            rescan(fake)
    fake.is_refusing = False
    rescan(fake)
    assert fake.is_begun


def test_a_portaudio_that_does_not_begin_at_all_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_import(monkeypatch, PortAudioError("Error initializing PortAudio"))
    with pytest.raises(DeviceError, match=r"PortAudio does not begin: Error init.*; no microphone"):
        load_sounddevice("no microphone")


@pytest.fixture
def answer() -> Iterator[threading.Event]:
    """A driver hangs until it is set; it does so no longer than the test."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "portaudio":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def refuse() -> None:
    raise TimeoutError("of the call itself")


def test_a_call_that_answers_gives_what_it_gave() -> None:
    assert within(PATIENCE_S, "mic", lambda: 3) == 3
    with pytest.raises(TimeoutError, match="of the call itself"):
        within(PATIENCE_S, "mic", refuse)
    assert within(PATIENCE_S, "mic", lambda: 4) == 4


def test_a_call_that_hangs_is_given_up_and_no_other_one_made_meanwhile(
    answer: threading.Event,
) -> None:
    made, late, undone = [], [], threading.Event()

    def undo(result: bool) -> None:
        late.append(result)
        undone.set()

    with pytest.raises(DeviceError, match=r"'mic' has not answered for 0.05 s: its driver or its"):
        within(SOON_S, "mic", answer.wait, undo=undo)
    with pytest.raises(DeviceError, match="'other' cannot be reached while a device"):
        within(SOON_S, "other", lambda: made.append(1))
    assert (made, late) == ([], [])
    answer.set()
    assert undone.wait(PATIENCE_S)
    assert late == [True]
    within(PATIENCE_S, "other", lambda: made.append(1))
    assert made == [1]


def test_what_has_been_waited_for_in_vain_is_waited_for_briefly(
    answer: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portaudio, "_ONCE_MORE_S", SOON_S)
    with pytest.raises(DeviceError, match="'mic' has not answered"):
        within(SOON_S, "mic", answer.wait)
    began = time.monotonic()
    with pytest.raises(DeviceError, match="'other' cannot be reached"):
        within(PATIENCE_S, "other", lambda: 3)
    assert time.monotonic() - began < PATIENCE_S / 2
    answer.set()
    while portaudio._in_use.locked():
        time.sleep(0.01)
    assert within(PATIENCE_S, "other", lambda: 3) == 3
    # One that is only busy is waited for as ever.
    begun = threading.Event()

    def busy() -> None:
        begun.set()
        time.sleep(10 * SOON_S)

    thread = threading.Thread(target=lambda: within(PATIENCE_S, "mic", busy))
    thread.start()
    begun.wait(PATIENCE_S)
    assert within(PATIENCE_S, "other", lambda: 4) == 4
    thread.join(PATIENCE_S)


def test_beside_a_stream_that_hangs_while_it_closes_others_can_be_opened(
    answer: threading.Event,
) -> None:
    began = []

    class Counting(FakeSounddevice):
        def _initialize(self) -> None:
            began.append(1)

    with pytest.raises(DeviceError, match="'mic' has not answered"):
        within(SOON_S, "mic", answer.wait, one_stream=True)
    assert within(SOON_S, "other", lambda: 3, one_stream=True) == 3
    with pytest.raises(DeviceError, match="'mic' still does not answer: its driver"):
        within(PATIENCE_S, "mic", lambda: 3, one_stream=True)  # at once, and nobody is left behind
    with pytest.raises(DeviceError, match="cannot be listed anew: a driver or a sound server"):
        rescan(Counting())
    assert not began
    answer.set()
    deadline = time.monotonic() + PATIENCE_S
    while any(thread.name == "portaudio" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    rescan(Counting())
    assert began
    assert within(SOON_S, "mic", lambda: 4, one_stream=True) == 4


def test_what_fails_too_late_is_nobodys_error(answer: threading.Event) -> None:
    def fail() -> None:
        answer.wait()
        raise ValueError("late")

    with pytest.raises(DeviceError):
        within(SOON_S, "mic", fail, undo=lambda _: pytest.fail("there is nothing to undo"))
    answer.set()
    assert within(PATIENCE_S, "mic", lambda: 5) == 5


def test_one_that_hangs_while_stderr_is_away_gives_it_back(
    answer: threading.Event, tmp_path: Path
) -> None:
    away = tmp_path / "away"

    def begin() -> None:  # as sounddevice does, with /dev/null
        with away.open("w") as file:
            os.dup2(file.fileno(), 2)
        answer.wait()

    before = os.fstat(2)
    with pytest.raises(DeviceError):
        within(SOON_S, "mic", begin)
    assert away.exists()
    assert os.path.samestat(os.fstat(2), before)


def test_the_end_of_the_program_waits_for_nothing_that_hangs(
    answer: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    forgotten: list[Any] = []
    monkeypatch.setattr(atexit, "unregister", forgotten.append)
    with pytest.raises(DeviceError):
        within(SOON_S, "mic", answer.wait)
    assert forgotten == [fake._exit_handler]


def test_a_program_ends_though_its_driver_hangs() -> None:
    code = (
        "import time; from engine.audio.portaudio import within; "
        "within(0.1, 'mic', lambda: time.sleep(600))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, timeout=60
    )
    assert done.returncode == 1
    assert b"'mic' has not answered" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="C's stderr is found on Linux only")
def test_what_libraries_print_goes_nowhere_and_what_python_says_does_not() -> None:
    code = (
        "import ctypes, sys, os; from engine.audio import portaudio; libc = ctypes.CDLL(None);"
        "libc.perror(b'before'); portaudio._silence_native_stderr(); libc.perror(b'after');"
        "print('python', file=sys.stderr, flush=True); os.write(2, b'descriptor')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    lines = done.stderr.splitlines()
    assert lines[0].startswith("before")
    assert lines[1:] == ["python", "descriptor"]
