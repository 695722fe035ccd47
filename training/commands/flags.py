"""Flags that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import argparse

SPLIT_CHOICES = ("train", "validation", "test", "all")


def add_split(parser: argparse.ArgumentParser, default: str = "validation") -> None:
    """`--split`: which part of a data folder."""
    parser.add_argument(
        "--split",
        choices=SPLIT_CHOICES,
        default=default,
        help="which clips of the data",
    )


def add_keywords(parser: argparse.ArgumentParser) -> None:
    """`--keywords`: which words are spoken; read with `keywords_of`."""
    parser.add_argument("--keywords", help="words to speak, with commas; else all there are")


def keywords_of(options: argparse.Namespace) -> list[str] | None:
    """The words of `--keywords`; None where the flag was left out."""
    if options.keywords is None:
        return None
    return [word for word in (part.strip() for part in options.keywords.split(",")) if word]


def add_stream_choice(parser: argparse.ArgumentParser) -> None:
    """`--most-per-word` and `--seed`: which clips make up the streams."""
    parser.add_argument("--most-per-word", type=int, default=60, help="clips of a word in a stream")
    parser.add_argument("--seed", type=int, default=1, help="of order, gaps and choice")


def add_workers(parser: argparse.ArgumentParser) -> None:
    """`--workers`: how much is scored beside each other."""
    parser.add_argument("--workers", type=int, default=2, help="streams to score at a time")
