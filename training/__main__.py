"""Makes, trains, measures and exports models; `python -m training COMMAND --help` says more."""

from __future__ import annotations

import argparse
import signal
import sys

from engine.errors import KwsError
from training.commands import (
    average,
    calibrate,
    card,
    convert,
    demo,
    evaluate,
    export,
    fetch,
    fit,
    metrics,
    mine,
    norm_stats,
    prepare,
    rollout,
    streams,
    synthesize,
)
from training.streams import flush_streams, open_closed_streams, say

_COMMANDS = {
    "prepare": prepare,
    "synthesize": synthesize,
    "norm-stats": norm_stats,
    "fit": fit,
    "metrics": metrics,
    "streams": streams,
    "mine": mine,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "export": export,
    "average": average,
    "rollout": rollout,
    "card": card,
    "fetch": fetch,
    "convert": convert,
    "demo": demo,
}

_INSTALL = "pip install -e '.[train]' -c constraints.txt, or make test"


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help with the defaults of those options that have one."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default not in (None, [], False)
        return super()._get_help_string(action) if has_default else action.help


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    open_closed_streams()
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        text = (module.__doc__ or "").strip().rstrip(".")
        command = commands.add_parser(name, help=text, description=text, formatter_class=_Help)
        module.add_arguments(command)
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    finally:
        flush_streams()


def _run(options: argparse.Namespace) -> int:
    status, text = 0, ""
    try:
        status = _COMMANDS[options.command].run(options) or 0
    except KwsError as err:
        status, text = 1, str(err)
    except BrokenPipeError:
        pass  # nobody reads what is printed any more
    except OSError as err:
        place = f"{err.filename}: " if err.filename else ""
        status, text = 1, f"{place}{err.strerror or err}; name another place or free some"
    except ModuleNotFoundError as err:
        package = str(err.name).partition(".")[0]
        status, text = 1, f"{package} is not installed: {_INSTALL}"
    except KeyboardInterrupt as err:
        status = 128 + int(err.args[0] if err.args else signal.SIGINT)
        text = "interrupted; run the same command to go on"
    if text:
        say(f"training: {text}", sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
