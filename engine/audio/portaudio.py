"""The only import of sounddevice, which needs the PortAudio library; calls that may hang."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

from engine.errors import DeviceError

T = TypeVar("T")

_ONCE_MORE_S = 1.0
# PortAudio lists devices once, when it is initialised, and to do it again closes every stream.
# Held while something plays, so that a new list waits for the next time.
playing = threading.Lock()
# Held while a call is away, also by one that was given up: PortAudio is not made for two threads.
_in_use = threading.Lock()
_given_up = threading.Event()  # while one is held by a call for which nobody waits any more
# Calls that were given up and concern one stream, by the name of their device. PortAudio adds a
# stream to its list after its driver has answered and strikes it off before it turns to the driver,
# so other devices may be opened and closed meanwhile; it may not begin anew.
_hanging: dict[threading.Thread, str] = {}


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
    except Exception as err:  # its own kind of error cannot be named while it is not there
        raise DeviceError(f"PortAudio does not begin: {err}; {consequence}{way_out}") from err
    _silence_native_stderr()
    return sounddevice


@functools.cache
def _silence_native_stderr() -> None:
    """Let what PortAudio and ALSA print go nowhere: lines at each loss, in the worst case for ever.

    That is C's `stderr`, where a library holds on to a stream of its own; file descriptor 2, which
    Python and its tracebacks use, stays as it is.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a C library of another kind
        libc = ctypes.CDLL(None)
        libc.fopen.restype = ctypes.c_void_p
        if nowhere := libc.fopen(b"/dev/null", b"we"):
            ctypes.c_void_p.in_dll(libc, "stderr").value = nowhere


def rescan(sounddevice: Any) -> None:
    """Have PortAudio look for devices again; call it only while no input is open.

    Raises:
        DeviceError: A driver does not answer yet, or PortAudio does not begin anew.
    """
    if _hangs():
        raise DeviceError(
            "devices cannot be listed anew: a driver or a sound server hangs; restart that, or "
            "unplug the device"
        )
    if not playing.acquire(blocking=False):
        return
    try:
        # sounddevice has no public way to do this. It has ended where it could not begin last time.
        with contextlib.suppress(sounddevice.PortAudioError):
            sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as err:
        raise DeviceError(f"PortAudio does not begin: {err}") from err
    finally:
        playing.release()


def _hangs() -> list[str]:
    """Devices whose driver has been asked and has not answered yet."""
    for thread in [thread for thread in _hanging if not thread.is_alive()]:
        del _hanging[thread]
    return list(_hanging.values())


def within(
    limit_s: float,
    name: str,
    call: Callable[[], T],
    *,
    undo: Callable[[T], None] | None = None,
    one_stream: bool = False,
) -> T:
    """Make a call that waits for a driver or a sound server, and give it up after a while.

    A hanging driver cannot be interrupted. The call is left behind on a thread that holds up
    nobody, not even the end of the program; until it comes back no other one is made, or none for
    the same device where it concerns one stream alone.

    Args:
        limit_s: How long to wait.
        name: The device, for the message.
        call: Makes it.
        undo: Takes the result of a call that came back too late.
        one_stream: Whether all it does is to open or close one stream.

    Raises:
        DeviceError: It was given up, or an earlier one is still away.
    """
    hangs = "its driver or its sound server hangs; restart that, or unplug the device"
    if one_stream and name in _hangs():
        raise DeviceError(f"{name!r} still does not answer: {hangs}")
    # One that has been waited for in vain is not waited for as long again.
    if not _in_use.acquire(timeout=min(limit_s, _ONCE_MORE_S) if _given_up.is_set() else limit_s):
        raise DeviceError(f"{name!r} cannot be reached while a device does not answer: {hangs}")
    _given_up.clear()
    future: Future[T] = Future()
    thread = threading.Thread(
        target=_answer, args=(future, call, undo, one_stream), name="portaudio", daemon=True
    )
    with _stderr_kept() as give_back:
        thread.start()
        with contextlib.suppress(TimeoutError):
            future.exception(limit_s)
        if future.cancel():
            if one_stream:
                _hanging[thread] = name
                _in_use.release()
            else:
                _given_up.set()
            give_back()
            _end_without_portaudio()
            raise DeviceError(f"{name!r} has not answered for {limit_s:g} s: {hangs}")
    return future.result()


def _answer(
    future: Future[T], call: Callable[[], T], undo: Callable[[T], None] | None, one_stream: bool
) -> None:
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
        if not (one_stream and future.cancelled()):  # else whoever gave it up lets go
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
