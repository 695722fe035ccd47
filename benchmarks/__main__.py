"""Runs one benchmark: python -m benchmarks features|threads|stream."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark that the arguments name and print its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    features = commands.add_parser("features", help="fbank of a window hop and of a whole window")
    features.add_argument("--rounds", type=int, default=300)
    for name, text in (
        ("threads", "ONNX Runtime's threads and spinning"),
        ("stream", "samples to decision"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--model", type=Path, default=Path("assets/models/default"))
        command.add_argument("--rounds", type=int, default=100)
    commands.choices["threads"].add_argument("--busy", type=int, default=0, help="busy processes")
    commands.choices["stream"].add_argument("--backend", default="auto")
    options = parser.parse_args(arguments)
    print(_report(options))
    return 0


def _report(options: argparse.Namespace) -> str:
    if options.command == "features":
        from benchmarks import features

        return features.report(options.rounds)
    if options.command == "threads":
        from benchmarks import threads

        return threads.report(options.model, options.rounds, options.busy)
    from benchmarks import stream

    return stream.report(options.model, options.backend, options.rounds)


if __name__ == "__main__":
    sys.exit(main())
