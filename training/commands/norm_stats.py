"""Compute the mean and standard deviation of a data set's features."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from engine.types import Float32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of recordings, of either kind")
    source.add_argument("--list", type=Path, dest="json_list", help="AST's JSON list")
    parser.add_argument("--labels", type=Path, help="label table of the list")
    parser.add_argument("--frames", type=int, default=1024, help="frames used of each clip")


def run(options: argparse.Namespace) -> None:
    """Compute and print them as a recipe takes them."""
    from engine.config import FbankConfig
    from engine.errors import SourceError
    from training.data.labelled import labelled_clips
    from training.norm_stats import norm_stats
    from training.progress import ProgressReport

    items, _, problems = labelled_clips(options.data, options.json_list, options.labels, "train")
    for problem in problems:
        print(f"# left out: {problem}")
    config = FbankConfig(target_frames=options.frames)
    unread: list[str] = []
    with ProgressReport("reading", len(items), unit="clips") as progress:

        def read() -> Iterator[Float32]:
            for item in items:
                progress.advance()
                try:
                    yield item.read()
                except SourceError as err:
                    unread.append(str(err))

        mean, std, frames = norm_stats(read(), config)
    for problem in unread:
        print(f"# left out: {problem}")
    print(f"# {len(items) - len(unread)} clips, {frames} frames")
    print(f"[features]\nmean = {mean:.6f}\nstd = {std:.6f}")
