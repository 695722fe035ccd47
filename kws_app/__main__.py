"""python -m kws_app: arguments to settings to a running program; returns the exit status.

A word in the place of the first flag names a command of its own (`_COMMANDS`).

0 done or interrupted, 1 failed while running, 2 wrong arguments, 3 no usable audio device,
4 model refused.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from engine.errors import ConfigError, DeviceError, KwsError, ModelError
from kws_app.settings import Command, read_command, require_window_has, to_toml
from kws_app.streams import check_streams, emit, say


def main() -> int:
    """Run one command."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # one clean way out for both
    try:
        check_streams()
        return _run(sys.argv[1:])
    except KeyboardInterrupt:  # before listening began; afterwards signals are handled there
        return 0
    except BrokenPipeError:  # nobody reads any more: the usual end of a pipe
        return 0
    except KwsError as err:
        say(str(err))
        return exit_status(err)


def exit_status(err: KwsError) -> int:
    """The documented status of an error."""
    if isinstance(err, ConfigError):
        return 2
    if isinstance(err, DeviceError):
        return 3
    return 4 if isinstance(err, ModelError) else 1


def _ledger(arguments: list[str]) -> None:
    from kws_app.ledger.commands import run

    run(arguments)


def _desktop(arguments: list[str]) -> None:
    from kws_app.desktop import run

    run(arguments)


def _doctor(arguments: list[str]) -> None:
    from kws_app.doctor import run

    run(arguments)


def _plan(arguments: list[str]) -> None:
    from kws_app.plan import run

    run(arguments)


_COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "desktop": _desktop,
    "doctor": _doctor,
    "ledger": _ledger,
    "plan": _plan,
}


def _run(arguments: list[str]) -> int:
    if arguments and arguments[0] in _COMMANDS:
        _COMMANDS[arguments[0]](arguments[1:])
        return 0
    command = read_command(arguments, os.environ)
    if command.action == "print-config":
        emit(to_toml(command.settings, command.actions))
        return 0
    if command.action == "list-devices":
        from kws_app.headless import print_devices

        print_devices(as_json=command.settings.json)
        return 0
    if command.action == "window":
        require_window_has(command.given, os.environ)
        from kws_app.gui.display import require_display

        require_display()
        from kws_app.gui.app import open_window

        return open_window(command)
    _listen(command)
    return 0


def _listen(command: Command) -> None:
    from kws_app.crash_guard import ConsoleGuard
    from kws_app.crash_log import log_faults
    from kws_app.folders import log_file
    from kws_app.headless import run_headless

    verbose = command.settings.verbose > 0
    with log_faults(log_file()), ConsoleGuard(log_file(), verbose=verbose) as guard:
        run_headless(command.settings, command.actions, guard)


if __name__ == "__main__":
    sys.exit(main())
