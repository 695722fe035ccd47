"""Measure a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--model", type=Path, default=Path("assets/models/default"), help="folder")
    parser.add_argument(
        "--alarms-per-hour", type=float, nargs="+", default=[1, 6, 60], help="promises to keep"
    )
    parser.add_argument(
        "--smoothing", type=int, nargs="+", default=[1, 2, 3], help="numbers of windows to average"
    )
    parser.add_argument(
        "--record", action="store_true", help="write the figures into the model's manifest"
    )


def run(options: argparse.Namespace) -> None:
    """Measure and print the tables."""
    from training.report import measure, record, to_markdown

    report = measure(
        options.model,
        options.data,
        alarms_per_hour=options.alarms_per_hour,
        smoothing=options.smoothing,
    )
    print(to_markdown(report), end="")
    if options.record:
        record(report)
