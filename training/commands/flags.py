"""Flags that several commands share, so that they mean the same everywhere."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from engine.errors import ConfigError

MOST_SMOOTHING = 100  # as the application takes it
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
    """The words of `--keywords`, each once; None where the flag was left out.

    Raises:
        ConfigError: It names none.
    """
    if options.keywords is None:
        return None
    words = [word for word in (part.strip() for part in options.keywords.split(",")) if word]
    if not words:
        raise ConfigError(f"--keywords is {options.keywords!r}; name words, with commas")
    return list(dict.fromkeys(words))


def add_stream_choice(parser: argparse.ArgumentParser) -> None:
    """`--most-per-word` and `--seed`: which clips make up the streams."""
    parser.add_argument(
        "--most-per-word", type=whole(1), default=60, help="clips of a word in a stream"
    )
    parser.add_argument(
        "--seed", type=whole(0, 2**32 - 1), default=1, help="of order, gaps and choice"
    )


def add_workers(parser: argparse.ArgumentParser) -> None:
    """`--workers`: how much is scored beside each other."""
    parser.add_argument("--workers", type=whole(1, 64), default=2, help="streams at a time")


def whole(low: int, high: int = 1_000_000) -> Callable[[str], int]:
    """A type for flags: a whole number of a range."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number of {low} to {high}")
        return value

    return convert


def number(low: float, high: float = math.inf) -> Callable[[str], float]:
    """A type for flags: a finite number of a range."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (low <= value <= high and math.isfinite(value)):
            wanted = f"{low:g} or more" if math.isinf(high) else f"{low:g} to {high:g}"
            raise argparse.ArgumentTypeError(f"{text!r} is no number of {wanted}")
        return value

    return convert
