"""One action under way: a program, or a call on a thread of its own. Neither is waited for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.errors import KwsError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How an action ended.

    Attributes:
        text: For people.
        failed: Whether something went wrong.
    """

    text: str
    failed: bool


class Run(Protocol):
    """What the runner watches."""

    def outcome(self) -> Outcome | None:
        """How it ended; None while it is under way."""
        ...

    def end(self) -> None:
        """Ask it to end."""
        ...

    def kill(self) -> None:
        """End it, a while after `end`."""
        ...


class ProgramRun:
    """A program in a session and process group of its own, without a terminal or any input.

    Args:
        arguments: Its name and arguments.

    Raises:
        OSError: It cannot be started.
        ValueError: An argument holds a NUL character.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  a list that a person wrote, no shell
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Until it is reaped the number of its group belongs to nobody else, so that a signal
        # can't hit a stranger. That is why it is not looked at between `end` and `kill`.
        self._may_reap = True

    def outcome(self) -> Outcome | None:
        """Its exit status; reaps it."""
        status = self._process.poll() if self._may_reap else None
        if status is None:
            return None
        if status < 0:
            return Outcome(text=f"ended by {_signal_name(-status)}", failed=True)
        return Outcome(text=f"exit status {status}", failed=status != 0)

    def end(self) -> None:
        """SIGTERM to the whole group."""
        self._may_reap = False
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the whole group, also to those whose leader has ended."""
        self._signal(signal.SIGKILL)
        self._may_reap = True

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # the real-time ones have no names of their own
        return f"signal {number}"


class Line:
    """The connection of a call, so that whoever watches it can cut it off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def opened(self, connection: socket.socket) -> None:
        """Say which socket it is; raises TimeoutError if it was cut off already."""
        with self._lock:
            self._socket = connection
            if self._is_cut:
                raise TimeoutError

    def cut(self) -> None:
        """Wake whoever waits for the socket."""
        with self._lock:
            self._is_cut = True
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)


class CallRun:
    """A call that may wait for somebody else, on a daemon thread.

    Args:
        call: Returns what to say when it went well, raises otherwise.
    """

    def __init__(self, call: Callable[[Line], Outcome]) -> None:
        self._call = call
        self._line = Line()
        self._outcome: Outcome | None = None
        threading.Thread(target=self._run, name="action", daemon=True).start()

    def outcome(self) -> Outcome | None:
        """What the call returned, or why it failed."""
        return self._outcome

    def end(self) -> None:
        """Cut its connection off."""
        self._line.cut()

    def kill(self) -> None:
        """A thread cannot be killed; it keeps its place until it ends by itself."""

    def _run(self) -> None:
        try:
            self._outcome = self._call(self._line)
        except KwsError as err:
            self._outcome = Outcome(text=str(err), failed=True)
        except OSError as err:
            self._outcome = Outcome(text=err.strerror or str(err) or "cut off", failed=True)
        except Exception as err:  # noqa: BLE001  foreign libraries raise what they like
            # Only the kind: its text may quote a header or a password.
            self._outcome = Outcome(text=f"failed with {type(err).__name__}", failed=True)
