"""Average the weights of models that were trained from one another."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("models", type=Path, nargs="+", help="model folders of one shape")
    parser.add_argument("--model", type=Path, required=True, help="folder to write")
    parser.add_argument("--name", default="ast-kws", help="name in the manifest")


def run(options: argparse.Namespace) -> None:
    """Average and write."""
    from training.average import average_models

    difference = average_models(options.models, options.model, name=options.name)
    print(
        f"wrote {options.model}; largest logit difference to torch {difference:.2e} (limit 1e-03)"
    )
    print(
        "all its keywords fire at the first model's highest threshold; next: "
        "python -m training calibrate"
    )
