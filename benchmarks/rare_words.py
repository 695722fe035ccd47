"""How best to mix synthetic with real clips of words that few people have spoken.

Words that many people spoke play the rare ones: each keeps one clip of `people` speakers, all their
validation clips remain to be measured on. Beside them stand words with all their speakers, as in
the real task, where most words of a set are well recorded and a few are not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import small_model
from training.ast import AstConfig
from training.data.clips import Clip
from training.data.corpus import read_corpus
from training.data.folder import read_folder
from training.data.scene_config import SceneConfig
from training.data.scenes import SceneMaker

RARE = ("zero", "one", "eight", "five", "right", "left", "go")
COMMON = ("up", "no", "yes", "down", "on", "off", "stop")
LABELS = ["_silence_", "_unknown_", *RARE, *COMMON]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What the rare words are learnt from.

    Attributes:
        name: For the table.
        people: Real clips of each rare word, one a speaker; None for all there are.
        synthetic: Synthetic clips of each rare word.
        voices: Synthetic speakers that they are spread over; None for all.
        real_share: As in SceneConfig.
        unknown: Whether synthetic clips of other words join the background.
    """

    name: str
    people: int | None = 20
    synthetic: int = 0
    voices: int | None = None
    real_share: float | None = None
    unknown: bool = False


MIXTURES = (
    Mixture(name="20 people", people=20),
    Mixture(name="synthetic only", people=0, synthetic=240),
    Mixture(name="20 people + synthetic, all alike", synthetic=240),
    Mixture(name="20 people + synthetic, 75 % real", synthetic=240, real_share=0.75),
    Mixture(name="20 people + synthetic, 50 % real", synthetic=240, real_share=0.5),
    Mixture(name="20 people + synthetic, 25 % real", synthetic=240, real_share=0.25),
    Mixture(name="50 % real, 60 synthetic clips", synthetic=60, real_share=0.5),
    Mixture(name="50 % real, 8 voices", synthetic=240, voices=8, real_share=0.5),
    Mixture(
        name="50 % real, synthetic other words too", synthetic=240, real_share=0.5, unknown=True
    ),
    Mixture(name="all people", people=None),
)


def report(data: Path, synthetic: Path, runs: Path, *, steps: int, seed: int, threads: int) -> str:
    """Train a small model with each mixture and measure real and synthetic voices apart.

    Args:
        data: Folder of recordings.
        synthetic: What `python -m training synthesize` made of the rare words.
        runs: Folder for the runs; finished ones are not trained again.
        steps: Of each run.
        seed: Of each run.
        threads: CPU threads.

    Returns:
        A Markdown table.
    """
    real = read_corpus(data, "train")
    spoken, _ = read_folder(synthetic, "train", synthetic=True)
    held_out, _ = read_folder(synthetic, "validation", synthetic=True)
    validation = read_corpus(data, "validation")
    lines = [
        "| rare words learnt from | rare words, people | rare words, held-out voices "
        "| common words, people |",
        "|---|---|---|---|",
    ]
    shape = AstConfig(n_labels=len(LABELS), dim=96, depth=4, heads=3)
    task = small_model.task(LABELS, shape)
    for number, mixture in enumerate(MIXTURES):
        trainer = small_model.trainer(
            runs / f"{number}-{seed}", task, steps=steps, seed=seed, threads=threads
        )
        clips = [*_real_clips(real, mixture), *_synthetic_clips(spoken, mixture)]
        scenes = SceneMaker(clips, LABELS, SceneConfig(real_share=mixture.real_share))
        trainer.run(scenes, small_model.source(validation, LABELS, (*RARE, *COMMON)))
        shares = [
            small_model.right(trainer, small_model.source(clips, LABELS, words))
            for clips, words in ((validation, RARE), (held_out, RARE), (validation, COMMON))
        ]
        lines.append(f"| {mixture.name} | " + " | ".join(shares) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _real_clips(clips: Sequence[Clip], mixture: Mixture) -> Iterator[Clip]:
    kept: dict[str, set[str]] = {word: set() for word in RARE}
    for clip in sorted(clips, key=lambda clip: hashlib.sha256(clip.path.encode()).digest()):
        if clip.kind == "digit" or (clip.kind == "word" and clip.word not in LABELS):
            continue
        if clip.kind == "word" and clip.word in RARE and mixture.people is not None:
            if len(kept[clip.word]) >= mixture.people or clip.speaker in kept[clip.word]:
                continue
            kept[clip.word].add(clip.speaker)
        yield clip


def _synthetic_clips(clips: Sequence[Clip], mixture: Mixture) -> Iterator[Clip]:
    speakers = sorted(
        {clip.speaker for clip in clips}, key=lambda name: hashlib.sha256(name.encode()).digest()
    )[: mixture.voices]
    counts = dict.fromkeys(RARE, 0)
    for clip in clips:
        if clip.kind != "word":
            if mixture.unknown:
                yield clip
        elif clip.word in RARE and clip.speaker in speakers:
            counts[clip.word] += 1
            if counts[clip.word] <= mixture.synthetic:
                yield clip
