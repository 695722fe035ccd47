"""Make the bundled demo recording with flite."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--out", type=Path, default=Path("assets/demo.flac"), help="file to write")


def run(options: argparse.Namespace) -> None:
    """Make it and print what it says when."""
    from training.demo import make_demo

    for text, end_s in make_demo(options.out):
        print(f"{end_s:6.2f} s  {text}")
