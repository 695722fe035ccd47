"""Measure models on labelled clips; of several models the mean of their posteriors."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--model", type=Path, nargs="+", required=True, help="model folders")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of recordings, of either kind")
    source.add_argument("--list", type=Path, dest="json_list", help="AST's JSON list")
    parser.add_argument("--labels", type=Path, help="label table of the list")
    parser.add_argument(
        "--split", choices=("train", "validation", "test"), default="validation", help="which clips"
    )
    parser.add_argument("--json", type=Path, help="write everything here too")


def run(options: argparse.Namespace) -> None:
    """Measure and print the tables."""
    from engine.manifest import load_manifest
    from training.clip_report import measure_clips, to_markdown, write_json
    from training.data.labelled import labelled_clips
    from training.data.scenes import UNKNOWN

    items, names, problems = labelled_clips(
        options.data,
        options.json_list,
        options.labels,
        options.split,
        other_words=all(UNKNOWN in load_manifest(folder).labels for folder in options.model),
    )
    for problem in problems:
        print(f"left out: {problem}")
    report = measure_clips(options.model, items, names)
    for problem in report.left_out:
        print(f"left out: {problem}")
    print(to_markdown(report), end="")
    if options.json:
        write_json(report, options.json)
