"""Write a model folder from a run."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("folder", type=Path, metavar="run", help="folder of the run")
    parser.add_argument("--model", type=Path, required=True, help="model folder to write")
    parser.add_argument("--name", help="name in the manifest")
    parser.add_argument("--threshold", type=float, default=0.9, help="of every keyword")
    parser.add_argument("--smoothing", type=int, default=4, help="windows to average")


def run(options: argparse.Namespace) -> None:
    """Export and print the difference to torch."""
    from training.card.document import MARKDOWN_FILE
    from training.export import export_model
    from training.model_folder import MAX_LOGIT_DIFFERENCE

    difference = export_model(
        options.folder,
        options.model,
        name=options.name or options.model.name,
        threshold=options.threshold,
        smoothing_windows=options.smoothing,
    )
    print(
        f"wrote {options.model}; largest logit difference to torch {difference:.2e} "
        f"(limit {MAX_LOGIT_DIFFERENCE:.0e})"
    )
    if (options.model / MARKDOWN_FILE).exists():
        print(
            f"note: {options.model / MARKDOWN_FILE} is of the model before; make it anew: "
            f"python -m training card --model {options.model}"
        )
