"""Arguments to settings to a running program; returns the exit status.

A word in the place of the first flag names a command of its own (`_COMMANDS`).

0 done or interrupted, 1 failed while running, 2 wrong arguments, 3 no usable audio device,
4 model refused.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial

from engine.errors import ConfigError, DeviceError, KwsError, ModelError
from kws_app import signals
from kws_app.settings import Command, read_command, require_window_has, to_toml
from kws_app.streams import check_streams, emit, say

_Run = Callable[[list[str]], None]


def main() -> int:
    """Run one command."""
    try:
        check_streams()
        do = _chosen(sys.argv[1:])
        signals.interrupt()
        return do() or 0
    except KeyboardInterrupt:  # before listening began; afterwards signals are handled there
        return 0
    except BrokenPipeError:  # nobody reads any more: the usual end of a pipe
        return 0
    except KwsError as err:
        if signals.is_cut_off():  # a runtime whose import is cut off fails in a way of its own
            return 0
        say(str(err))
        return exit_status(err)


def exit_status(err: KwsError) -> int:
    """The documented status of an error."""
    if isinstance(err, ConfigError):
        return 2
    if isinstance(err, DeviceError):
        return 3
    return 4 if isinstance(err, ModelError) else 1


def _chosen(arguments: list[str]) -> Callable[[], int | None]:
    """What to do, with its modules loaded."""
    if arguments and arguments[0] in _COMMANDS:
        return partial(_COMMANDS[arguments[0]](), arguments[1:])
    command = read_command(arguments, os.environ)
    if command.action == "print-config":
        return partial(emit, to_toml(command.settings, command.actions))
    if command.action == "list-devices":
        from kws_app.headless import print_devices

        return partial(print_devices, as_json=command.settings.json)
    if command.action == "window":
        return _window(command)
    return _console(command)


def _ledger() -> _Run:
    from kws_app.ledger.commands import run

    return run


def _desktop() -> _Run:
    from kws_app.desktop import run

    return run


def _doctor() -> _Run:
    from kws_app.doctor import run

    return run


def _plan() -> _Run:
    from kws_app.plan import run

    return run


_COMMANDS: dict[str, Callable[[], _Run]] = {
    "desktop": _desktop,
    "doctor": _doctor,
    "ledger": _ledger,
    "plan": _plan,
}


def _window(command: Command) -> Callable[[], int | None]:
    require_window_has(command.given, os.environ)
    from kws_app.gui.display import require_display

    require_display()
    from kws_app.gui.app import open_window

    return partial(open_window, command)


def _console(command: Command) -> Callable[[], int | None]:
    from kws_app.crash_guard import ConsoleGuard
    from kws_app.crash_log import log_faults
    from kws_app.folders import log_file
    from kws_app.headless import run_headless

    def listen() -> None:
        verbose = command.settings.verbose > 0
        with log_faults(log_file()), ConsoleGuard(log_file(), verbose=verbose) as guard:
            run_headless(command.settings, command.actions, guard)

    return listen
