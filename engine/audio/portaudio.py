"""The only import of sounddevice, which needs the PortAudio library; calls that may hang."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from engine.errors import DeviceError

T = TypeVar("T")

# PortAudio lists devices once, when it is initialised, and to do it again closes every stream.
# Held while something plays, so that a new list waits for the next time.
playing = threading.Lock()
# Held while a call is away, also by one that was given up: PortAudio is not made for two threads.
_in_use = threading.Lock()


def load_sounddevice(consequence: str, way_out: str = "") -> Any:
    """The sounddevice module, imported when it is needed.

    Args:
        consequence: What there is not without it, for the message.
        way_out: What to do instead, beginning with a comma.

    Raises:
        DeviceError: PortAudio is not installed.
    """
    try:
        import sounddevice
    except OSError as err:
        raise DeviceError(
            f"PortAudio is missing, so {consequence}; install it "
            f"(Debian, Ubuntu: apt-get install libportaudio2){way_out}"
        ) from err
    return sounddevice


def rescan(sounddevice: Any) -> None:
    """Have PortAudio look for devices again; call it only while no input is open."""
    if not playing.acquire(blocking=False):
        return
    try:
        # sounddevice has no public way to do this.
        sounddevice._terminate()
        sounddevice._initialize()
    finally:
        playing.release()


def within(
    limit_s: float, name: str, call: Callable[[], T], *, undo: Callable[[T], None] | None = None
) -> T:
    """Make a call that waits for a driver or a sound server, and give it up after a while.

    A hanging driver cannot be interrupted. The call is left behind on a thread that holds up
    nobody, not even the end of the program; until it comes back no other one is made.

    Args:
        limit_s: How long to wait.
        name: The device, for the message.
        call: Makes it.
        undo: Takes the result of a call that came back too late.

    Raises:
        DeviceError: It was given up, or an earlier one is still away.
    """
    hangs = DeviceError(
        f"{name!r} has not answered for {limit_s:g} s: its driver or its sound server hangs; "
        "restart that, or unplug the device"
    )
    if not _in_use.acquire(timeout=limit_s):
        raise hangs
    future: Future[T] = Future()
    thread = threading.Thread(
        target=_answer, args=(future, call, undo), name="portaudio", daemon=True
    )
    with _stderr_kept() as give_back:
        thread.start()
        with contextlib.suppress(TimeoutError):
            future.exception(limit_s)
        if future.cancel():
            give_back()
            _end_without_portaudio()
            raise hangs
    return future.result()


def _answer(future: Future[T], call: Callable[[], T], undo: Callable[[T], None] | None) -> None:
    try:
        result = call()
    except BaseException as err:  # noqa: BLE001  raised again where it is waited for
        with contextlib.suppress(InvalidStateError):  # nobody waits any more
            future.set_exception(err)
    else:
        try:
            future.set_result(result)
        except InvalidStateError:
            if undo is not None:
                undo(result)
    finally:
        _in_use.release()


@contextlib.contextmanager
def _stderr_kept() -> Iterator[Callable[[], object]]:
    """Gives what points stderr to where it points now.

    sounddevice has it point to /dev/null while PortAudio begins, so one that hangs would leave this
    program without a word.
    """
    try:
        kept = os.dup(2)
    except OSError:  # closed
        yield lambda: None
        return
    try:
        yield lambda: os.dup2(kept, 2)
    finally:
        os.close(kept)


def _end_without_portaudio() -> None:
    """Let the program end without waiting for what hangs."""
    module = sys.modules.get("sounddevice")
    if module is not None:
        # sounddevice has no public way to do this.
        atexit.unregister(module._exit_handler)
