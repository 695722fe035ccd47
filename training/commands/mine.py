"""Find what a model takes for keywords where there are none, to train on."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.flags import MOST_SMOOTHING, add_split, add_workers, whole


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--model", type=Path, required=True, help="folder")
    parser.add_argument("--data", type=Path, required=True, help="folder with backgrounds")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    add_split(parser, default="train")
    parser.add_argument("--threshold", type=float, default=0.4, help="of every keyword")
    parser.add_argument(
        "--smoothing", type=whole(1, MOST_SMOOTHING), default=1, help="windows to average"
    )
    add_workers(parser)


def run(options: argparse.Namespace) -> None:
    """Search, write and say what was found."""
    from engine.manifest import load_manifest
    from training.evaluation.material import read_material
    from training.mine import mine

    found = mine(
        load_manifest(options.model),
        read_material(options.data, options.split),
        options.out,
        threshold=options.threshold,
        smoothing_windows=options.smoothing,
        workers=options.workers,
    )
    for word, count in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{word}: {count}")
    print(f"{sum(found.values())} mistakes in {options.out}; train on them with")
    print(f'[data]\ncorrections = "{options.out}"')
