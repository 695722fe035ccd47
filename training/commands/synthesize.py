"""Let synthetic voices speak words, into a folder to train on."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("words", help="words and phrases, separated by commas")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--clips", type=int, default=200, help="of each word")
    parser.add_argument("--unknown", type=int, default=600, help="clips of other words")
    parser.add_argument("--validation-share", type=float, default=0.2, help="of the speakers")
    parser.add_argument(
        "--other-words", type=Path, metavar="FILE", help="those other words, a text a line"
    )
    parser.add_argument("--language", default="en", help="as espeak-ng spells it")
    parser.add_argument("--workers", type=int, default=2, help="programs at a time")
    parser.add_argument("--seed", type=int, default=1, help="of everything drawn")


def run(options: argparse.Namespace) -> None:
    """Speak and print what was made."""
    from training.synthesize import SynthesizeConfig, synthesize

    others = _lines(options.other_words) if options.other_words else []
    config = SynthesizeConfig(
        words=[word.strip() for word in options.words.split(",")],
        clips=options.clips,
        unknown_clips=options.unknown,
        other_texts=others,
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
    if report.from_before:
        print(f"there from before: {', '.join(report.from_before)}")
    if options.language.partition("-")[0] != "en" and options.unknown and not others:
        print("note: the other words are English; give some of the language with --other-words")


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        raise ConfigError(f"cannot read {path}: {err}; it must hold a text a line") from err
    return [line.strip() for line in text.splitlines() if line.strip()]
