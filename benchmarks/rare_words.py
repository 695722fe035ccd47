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

import torch

from engine.config import FbankConfig, WindowConfig
from training.ast import AstConfig
from training.data.clip_source import ClipSource, memory_item
from training.data.clips import Clip
from training.data.corpus import read_corpus
from training.data.folder import read_folder
from training.data.scene_config import SceneConfig
from training.data.scenes import SceneMaker
from training.distributed import World
from training.evaluation.intervals import wilson_interval
from training.fit import Trainer
from training.settings import AugmentConfig, FitConfig
from training.task import Task

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
    for number, mixture in enumerate(MIXTURES):
        trainer = _trainer(runs / f"{number}-{seed}", steps, seed, threads)
        clips = [*_real_clips(real, mixture), *_synthetic_clips(spoken, mixture)]
        scenes = SceneMaker(clips, LABELS, SceneConfig(real_share=mixture.real_share))
        trainer.run(scenes, _source(validation, (*RARE, *COMMON)))
        shares = [
            _right(trainer, validation, RARE),
            _right(trainer, held_out, RARE),
            _right(trainer, validation, COMMON),
        ]
        lines.append(f"| {mixture.name} | " + " | ".join(shares) + " |")
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _trainer(folder: Path, steps: int, seed: int, threads: int) -> Trainer:
    task = Task(
        labels=LABELS,
        activation="softmax",
        fbank=FbankConfig(),
        windows=WindowConfig(),
        model=AstConfig(n_labels=len(LABELS), dim=96, depth=4, heads=3),
    )
    return Trainer(
        folder,
        task=task,
        config=FitConfig(
            steps=steps,
            batch_size=64,
            warmup_steps=steps // 20,
            ema_decay=0.999,
            validate_every=max(1, steps // 4),
            threads=threads,
            workers=0,
            tensorboard=False,
            seed=seed,
        ),
        augment=AugmentConfig(mixup=0.25, mixup_until=0.8, mask_frames=16, mask_mels=20, masks=2),
        world=World(rank=0, size=1, device=torch.device("cpu")),
    )


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


def _right(trainer: Trainer, clips: Sequence[Clip], words: Sequence[str]) -> str:
    source = _source(clips, words)
    total = source.epoch_windows
    right = round(trainer.measure(source) * total)
    low, high = wilson_interval(right, total)
    return f"{right} of {total}, {right / total:.1%} ({low:.1%} to {high:.1%})"


def _source(clips: Sequence[Clip], words: Sequence[str]) -> ClipSource:
    items = [memory_item(c, (LABELS.index(c.word),)) for c in clips if c.word in words]
    return ClipSource(
        items, len(LABELS), max_samples=16_000, window_samples=16_000, seed=0, shuffle=False
    )
