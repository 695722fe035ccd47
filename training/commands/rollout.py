"""Add the attention rollout to a model folder, for the window's overlay."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--model", type=Path, required=True, help="folder with weights")


def run(options: argparse.Namespace) -> None:
    """Write it and say where."""
    from training.rollout import add_rollout

    path = add_rollout(options.model)
    print(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB")
