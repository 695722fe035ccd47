"""Command line of the training side: python -m training fit ..."""

from __future__ import annotations

import argparse
import signal
import sys

from engine.errors import KwsError
from training.commands import (
    convert,
    demo,
    evaluate,
    export,
    fetch,
    fit,
    metrics,
    norm_stats,
    prepare,
    synthesize,
)
from training.streams import flush_streams, open_closed_streams, say

_COMMANDS = {
    "prepare": prepare,
    "synthesize": synthesize,
    "norm-stats": norm_stats,
    "fit": fit,
    "metrics": metrics,
    "evaluate": evaluate,
    "export": export,
    "fetch": fetch,
    "convert": convert,
    "demo": demo,
}


_INSTALL = "pip install -e '.[train]' -c constraints.txt, or make test"


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    open_closed_streams()
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        text = (module.__doc__ or "").strip().rstrip(".")
        module.add_arguments(commands.add_parser(name, help=text, description=text))
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    finally:
        flush_streams()


def _run(options: argparse.Namespace) -> int:
    status, text = 0, ""
    try:
        _COMMANDS[options.command].run(options)
    except KwsError as err:
        status, text = 1, str(err)
    except BrokenPipeError:
        pass  # nobody reads what is printed any more
    except OSError as err:
        place = f"{err.filename}: " if err.filename else ""
        status, text = 1, f"{place}{err.strerror or err}; name another place or free some"
    except ModuleNotFoundError as err:
        status, text = 1, f"{err.name} is not installed: {_INSTALL}"
    except KeyboardInterrupt as err:
        status = 128 + int(err.args[0] if err.args else signal.SIGINT)
        text = "interrupted; run the same command to go on"
    if text:
        say(f"training: {text}", sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
