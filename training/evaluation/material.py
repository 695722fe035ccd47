"""What a model is measured on: clips and backgrounds of one split, and the streams made of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import ConfigError
from training.data.clips import Clip
from training.data.corpus import corpus_sources, is_corpus, read_corpus
from training.data.folder import SPLITS, read_folder
from training.evaluation.rooms import ROOMS
from training.evaluation.streams import (
    Condition,
    Stream,
    WordTrack,
    background_stream,
    noise_bed,
    word_stream,
    word_track,
)

BACKGROUNDS = ("speech", "noise", "other_word")
SNRS_DB = (20.0, 10.0, 5.0, 0.0)
GAINS_DB = (-30.0, -20.0, -10.0, 10.0)
CONDITIONS = (
    Condition(),
    *(Condition(snr_db=snr_db) for snr_db in SNRS_DB),
    *(Condition(room=room) for room in ROOMS),
    *(Condition(gain_db=gain_db) for gain_db in GAINS_DB),
)
ALL_SPLITS = "all"


@dataclass(frozen=True, kw_only=True)
class Material:
    """Clips of one split.

    Attributes:
        clips: Words, running speech, noises and other words.
        origin: Plain values: folder, split, sources.
        notes: What was left out.
    """

    clips: Sequence[Clip]
    origin: dict[str, Any]
    notes: Sequence[str] = field(default_factory=list)

    def words(self, labels: Sequence[str]) -> list[str]:
        """Words that are spoken and that a model has labels for, in the order of the labels."""
        spoken = {clip.word for clip in self.clips if clip.kind == "word"}
        return [label for label in labels if label in spoken]


def read_material(folder: Path, split: str, synthetic: Path | None = None) -> Material:
    """Read one split of a data folder of either kind.

    Args:
        folder: With the two tables, or a plain one.
        split: "train", "validation", "test", or "all".
        synthetic: Plain folder of synthetic voices, whose validation split is measured apart.

    Raises:
        ConfigError: The folder or the split has nothing to measure.
        SourceError: A recording of the tables cannot be read.
    """
    clips: list[Clip] = []
    notes: list[str] = []
    splits = SPLITS if split == ALL_SPLITS else (split,)
    origin: dict[str, Any] = {"folder": folder.name, "split": split}
    if is_corpus(folder):
        for name in splits if split != ALL_SPLITS else SPLITS[:2]:
            clips += read_corpus(folder, name)
        origin["sources"] = corpus_sources(folder)
    else:
        for name in splits:
            more, problems = read_folder(folder, name)
            clips += more
            notes += problems
    if synthetic is not None:
        spoken, problems = read_folder(synthetic, "validation", synthetic=True)
        clips += [clip for clip in spoken if clip.kind == "word"]
        notes += problems
        origin["synthetic"] = synthetic.name
    if not clips:
        raise ConfigError(f"{folder} has nothing in its {split} split; choose another --split")
    origin["clips"] = dict(Counter(clip.kind for clip in clips))
    return Material(clips=clips, origin=origin, notes=notes)


def background_kinds(clips: Iterable[Clip]) -> list[str]:
    """Which backgrounds there are, in the order in which they are scored."""
    found = {clip.kind for clip in clips}
    return [kind for kind in BACKGROUNDS if kind in found]


@dataclass(frozen=True, kw_only=True)
class StreamSet:
    """Streams that are made one at a time, so that they need not fit into memory together.

    Attributes:
        material: What they are made of.
        keywords: Which words are spoken.
        most_per_word: Clips of each, at most.
        seed: Of choice, order, gaps.
        conditions: Places that the words are spoken in.
    """

    material: Material
    keywords: Sequence[str]
    most_per_word: int
    seed: int
    conditions: Sequence[Condition] = CONDITIONS

    def track(self) -> WordTrack:
        """The words, without any background."""
        return word_track(
            self.material.clips, self.keywords, most_per_word=self.most_per_word, seed=self.seed
        )

    def __len__(self) -> int:
        """How many streams there are."""
        kinds = background_kinds(self.material.clips)
        return len(kinds) + (len(self.conditions) if self.keywords else 0)

    def __iter__(self) -> Iterator[Stream]:
        """Words in every condition, then the backgrounds that there are."""
        clips = self.material.clips
        if self.keywords:
            track, bed = self.track(), noise_bed(clips, seed=self.seed)
            for condition in self.conditions:
                yield word_stream(track, condition, bed)
        for kind in background_kinds(clips):
            yield background_stream(clips, kind)
