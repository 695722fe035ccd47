"""A run that trains in seconds: two tones as words, a tiny model."""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from clips import small_corpus, word_samples

from engine.config import FbankConfig, WindowConfig
from training.ast import AstConfig
from training.data.clip_source import ClipSource, memory_item
from training.data.scene_config import SceneConfig
from training.data.scenes import SceneMaker
from training.distributed import World
from training.fit import Trainer
from training.settings import AugmentConfig, FitConfig
from training.task import Task

LABELS = ("_silence_", "_unknown_", "no", "yes")
ALONE = World(rank=0, size=1, device=torch.device("cpu"))
QUICK = {
    "steps": 6,
    "batch_size": 8,
    "warmup_steps": 2,
    "ema_decay": 0.9,
    "validate_every": 3,
    "threads": 1,
    "workers": 0,
    "tensorboard": False,
}


def small_task(labels: tuple[str, ...] = LABELS, **shape: Any) -> Task:
    return Task(
        labels=labels,
        activation="softmax",
        fbank=FbankConfig(),
        windows=WindowConfig(),
        model=AstConfig(n_labels=len(labels), **({"dim": 24, "depth": 1, "heads": 2} | shape)),
    )


def small_trainer(folder: Path, *, task: Task | None = None, **config: Any) -> Trainer:
    parts = {name: config.pop(name) for name in ("teacher", "model", "augment") if name in config}
    parts.setdefault("augment", AugmentConfig(mixup=0.5, mask_frames=8, mask_mels=8, masks=2))
    return Trainer(
        folder,
        task=task or small_task(),
        config=FitConfig(**(QUICK | config)),
        world=ALONE,
        provenance={"data": "tones"},
        **parts,
    )


def scenes() -> SceneMaker:
    # A piece of a tone is the tone, so none is spliced.
    return SceneMaker(small_corpus(), LABELS, SceneConfig(splice_probability=0))


def validation(labels: tuple[str, ...] = LABELS) -> ClipSource:
    items = [memory_item(c, (labels.index(c.word),)) for c in small_corpus() if c.word in labels]
    return ClipSource(
        items, len(labels), max_samples=16_000, window_samples=16_000, seed=0, shuffle=False
    )


def train(folder: Path, **config: Any) -> Trainer:
    trainer = small_trainer(folder, **config)
    trainer.run(scenes(), validation())
    return trainer


def word_folder(folder: Path, words: dict[str, int] | None = None, speakers: int = 6) -> Path:
    """A plain folder of tones as words, the last two speakers for validation."""
    held_out = []
    for word, hz in (words or {"low": 500, "high": 2_000}).items():
        (folder / word).mkdir(parents=True)
        for speaker in range(speakers):
            name = f"{word}/p{speaker}_nohash_0.wav"
            samples = word_samples(hz + 15 * speaker).astype(np.float32)
            soundfile.write(folder / name, samples, 16_000)
            if speaker >= speakers - 2:
                held_out.append(name)
    (folder / "validation_list.txt").write_text("\n".join(held_out))
    return folder
