"""python -m kws_app: arguments to settings to a running program; returns the exit status.

0 done or interrupted, 1 failed while running, 2 wrong arguments, 3 no usable audio device,
4 model refused.
"""

from __future__ import annotations

import os
import sys

from engine.errors import ConfigError, DeviceError, KwsError, ModelError
from kws_app.settings import read_command, to_toml


def main() -> int:
    """Run one command."""
    try:
        return _run(sys.argv[1:])
    except BrokenPipeError:
        return _leave_broken_pipe()
    except KeyboardInterrupt:  # before listening began; afterwards Ctrl-C is handled there
        return 0
    except KwsError as err:
        print(f"kws: {err}", file=sys.stderr)
        return exit_status(err)


def exit_status(err: KwsError) -> int:
    """The documented status of an error."""
    if isinstance(err, ConfigError):
        return 2
    if isinstance(err, DeviceError):
        return 3
    return 4 if isinstance(err, ModelError) else 1


def _run(arguments: list[str]) -> int:
    command = read_command(arguments, os.environ)
    if command.action == "print-config":
        print(to_toml(command.settings), end="", flush=True)
        return 0
    if command.action == "list-devices":
        from kws_app.headless import print_devices

        print_devices(as_json=command.settings.json)
        return 0
    if command.action == "window":
        raise ConfigError("this version has no window yet; add --headless")
    from kws_app.headless import run_headless

    run_headless(command.settings)
    return 0


def _leave_broken_pipe() -> int:
    # Python flushes stdout once more at exit; a closed pipe must not be reported there either.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
