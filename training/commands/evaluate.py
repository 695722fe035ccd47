"""Measure a model folder on clips and streams, by events."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from training.assets import DEFAULT_MODEL
from training.commands.flags import (
    MOST_SMOOTHING,
    add_keywords,
    add_split,
    add_stream_choice,
    add_workers,
    keywords_of,
    number,
    whole,
)

if TYPE_CHECKING:
    from training.evaluation.report import Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, help="folder of recordings, of either kind")
    source.add_argument("--streams", type=Path, help="folder that the command streams has made")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="folder")
    parser.add_argument("--synthetic", type=Path, help="folder of synthetic voices, measured apart")
    add_split(parser)
    add_keywords(parser)
    add_stream_choice(parser)
    parser.add_argument(
        "--alarms-per-hour", type=number(0), nargs="+", default=[1, 6, 60], help="promises to keep"
    )
    parser.add_argument(
        "--smoothing",
        type=whole(1, MOST_SMOOTHING),
        nargs="*",
        default=[],
        help="other numbers of windows to average",
    )
    add_workers(parser)
    parser.add_argument("--out", type=Path, help="folder for page, pictures, CSV and JSON")
    parser.add_argument(
        "--record", action="store_true", help="write the figures into the model's manifest"
    )


def run(options: argparse.Namespace) -> None:
    """Measure, print the tables and write what was asked for."""
    from training.evaluation.figures import figures
    from training.evaluation.files import record, write_report
    from training.evaluation.tables import to_markdown

    found = figures(_measure(options))
    print(to_markdown(found), end="")
    if options.out:
        for path in write_report(found, options.out):
            print(f"wrote {path}")
    if options.record:
        record(found, options.model)


def _measure(options: argparse.Namespace) -> Report:
    from engine.manifest import load_manifest
    from training.evaluation.material import StreamSet, read_material
    from training.evaluation.report import measure
    from training.evaluation.stream_folder import read_index, read_spoken, read_streams

    shared = {
        "alarms_per_hour": options.alarms_per_hour,
        "smoothing": options.smoothing,
        "seed": options.seed,
        "workers": options.workers,
    }
    manifest = load_manifest(options.model)
    if options.streams:
        return measure(
            options.model,
            read_streams(options.streams),
            material=None,
            keywords=keywords_of(options) or read_spoken(options.streams, manifest.keywords),
            n_streams=len(read_index(options.streams)),
            streams_name=options.streams.name,
            **shared,
        )
    material = read_material(options.data, options.split, options.synthetic)
    spoken = material.words(manifest.keywords)
    keywords = keywords_of(options) or spoken
    streams = StreamSet(
        material=material,
        keywords=keywords,
        most_per_word=options.most_per_word,
        seed=options.seed,
    )
    return measure(
        options.model,
        streams,
        material=material,
        keywords=keywords,
        n_streams=len(streams),
        **shared,
    )
