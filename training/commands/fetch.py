"""Fetch released weights, checked by hash."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.fetch import NAMES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--to", type=Path, default=Path("weights"), help="folder for all weights")


def run(options: argparse.Namespace) -> None:
    """Fetch and print where it is."""
    from training.fetch import fetch

    print(fetch(options.name, options.to))
