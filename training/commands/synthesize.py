"""Let synthetic voices speak words, into a folder to train on."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("words", help="words and phrases, separated by commas")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--clips", type=int, default=200, help="of each word")
    parser.add_argument("--unknown", type=int, default=600, help="clips of other words")
    parser.add_argument("--validation-share", type=float, default=0.2, help="of the speakers")
    parser.add_argument("--language", default="en", help="as espeak-ng spells it")
    parser.add_argument("--workers", type=int, default=2, help="programs at a time")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> None:
    """Speak and print what was made."""
    from training.synthesize import SynthesizeConfig, synthesize

    config = SynthesizeConfig(
        words=[word.strip() for word in options.words.split(",")],
        clips=options.clips,
        unknown_clips=options.unknown,
        validation_share=options.validation_share,
        language=options.language,
        seed=options.seed,
    )
    report = synthesize(options.out, config, workers=options.workers)
    speakers = ", ".join(f"{count} for {split}" for split, count in report.speakers.items())
    print(f"{options.out}: {report.clips.total()} clips of {len(report.clips)} labels")
    print(f"speakers: {speakers}")
    for reason, count in report.rejected.most_common():
        print(f"tried again {count} times: {reason}")
