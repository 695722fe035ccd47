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


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, module in _COMMANDS.items():
        text = (module.__doc__ or "").strip().rstrip(".")
        module.add_arguments(commands.add_parser(name, help=text, description=text))
    options = parser.parse_args(arguments)
    try:
        _COMMANDS[options.command].run(options)
    except KwsError as err:
        print(f"training: {err}", file=sys.stderr)
        return 1
    except OSError as err:
        place = f"{err.filename}: " if err.filename else ""
        reason = err.strerror or err
        print(f"training: {place}{reason}; name another place or free some", file=sys.stderr)
        return 1
    except KeyboardInterrupt as err:
        print("training: interrupted; run the same command to go on", file=sys.stderr)
        number = err.args[0] if err.args else signal.SIGINT
        return 128 + int(number)
    return 0


if __name__ == "__main__":
    sys.exit(main())
