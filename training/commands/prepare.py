"""Get a public data set: download, verify, unpack, split by the official lists."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("name", choices=("speech-commands",))
    parser.add_argument("--to", type=Path, default=Path("data/speech_commands"), help="folder")
    parser.add_argument("--archive", type=Path, help="the .tar.gz, if it is here already")
    parser.add_argument("--sha256", help="of an archive other than the official V2")


def run(options: argparse.Namespace) -> None:
    """Prepare and print the sizes of the splits."""
    from training.prepare import ARCHIVE_SHA256, prepare_speech_commands

    counts = prepare_speech_commands(
        options.to, options.archive, sha256=options.sha256 or ARCHIVE_SHA256
    )
    sizes = ", ".join(f"{counts[split]} {split}" for split in ("train", "validation", "test"))
    print(f"{options.to}: {sizes}")
