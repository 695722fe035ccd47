"""Write a model folder from a run."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--model", type=Path, required=True, help="model folder to write")
    parser.add_argument("--data", type=Path, required=True, help="folder that it was trained on")
    parser.add_argument("--name", default="ast-kws", help="name in the manifest")
    parser.add_argument("--threshold", type=float, default=0.5, help="of every keyword")
    parser.add_argument("--smoothing", type=int, default=3, help="windows to average")


def run(options: argparse.Namespace) -> None:
    """Export and print the difference to torch."""
    from training.data.corpus import corpus_sources
    from training.export import export_model
    from training.model_folder import MAX_LOGIT_DIFFERENCE

    difference = export_model(
        options.run,
        options.model,
        name=options.name,
        threshold=options.threshold,
        smoothing_windows=options.smoothing,
        provenance={"data": corpus_sources(options.data)},
    )
    print(
        f"wrote {options.model}; largest logit difference to torch {difference:.2e} "
        f"(limit {MAX_LOGIT_DIFFERENCE:.0e})"
    )
