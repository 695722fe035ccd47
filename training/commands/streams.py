"""Build streams with known truth from a folder of clips and backgrounds."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.flags import add_keywords, add_split, add_stream_choice, keywords_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    add_split(parser)
    add_keywords(parser)
    add_stream_choice(parser)
    parser.add_argument(
        "--snr", type=float, nargs="*", help="noise below the words, in decibels; alone: none"
    )
    parser.add_argument("--gain", type=float, nargs="*", help="levels, in decibels; alone: none")
    parser.add_argument("--no-rooms", action="store_true", help="leave the two rooms out")


def run(options: argparse.Namespace) -> None:
    """Build and write."""
    from engine.errors import ConfigError
    from training.evaluation.material import GAINS_DB, SNRS_DB, StreamSet, read_material
    from training.evaluation.rooms import ROOMS
    from training.evaluation.stream_folder import write_streams
    from training.evaluation.streams import Condition

    material = read_material(options.data, options.split)
    spoken = sorted({clip.word for clip in material.clips if clip.kind == "word"})
    keywords = keywords_of(options) or spoken
    for word in keywords:
        if word not in spoken:
            raise ConfigError(f"there is no clip of {word!r}; there are {', '.join(spoken)}")
    snrs_db = dict.fromkeys(SNRS_DB if options.snr is None else options.snr)
    gains_db = dict.fromkeys(GAINS_DB if options.gain is None else options.gain)
    conditions = [
        Condition(),
        *(Condition(snr_db=snr_db) for snr_db in snrs_db),
        *(Condition(room=room) for room in (() if options.no_rooms else ROOMS)),
        *(Condition(gain_db=gain_db) for gain_db in gains_db),
    ]
    streams = StreamSet(
        material=material,
        keywords=keywords,
        most_per_word=options.most_per_word,
        seed=options.seed,
        conditions=conditions,
    )
    origin = {**material.origin, "seed": options.seed, "most_per_word": options.most_per_word}
    for note in material.notes:
        print(f"left out: {note}")
    for name in write_streams(options.out, streams, origin):
        print(f"wrote {options.out / name}")
