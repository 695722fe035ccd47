"""What the layout of the model brings: size, patches, mel bins, averaged weights.

A small model is trained the same way with one thing changed at a time, and names the validation
clips of all keywords. The differences count, not the level.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import small_model
from engine.config import FbankConfig
from training.ast import AstConfig
from training.data.corpus import read_corpus
from training.data.label_csv import SPEECH_COMMANDS_CSV, read_label_csv
from training.data.scene_config import SceneConfig
from training.data.scenes import SceneMaker


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One row of the table.

    Attributes:
        name: For the table.
        shape: Fields of AstConfig that differ from the first row's.
        n_mels: Mel bins of the features.
        ema_decay: Decay of the averaged weights; 0 for none.
    """

    name: str
    shape: Mapping[str, Any] = field(default_factory=dict)
    n_mels: int = 128
    ema_decay: float = 0.999


LAYOUTS = (
    Layout(name="all mels x 10 frames, every 4; 96 wide, 4 blocks"),
    Layout(name="every 2 frames", shape={"frame_stride": 2}),
    Layout(name="every 3 frames", shape={"frame_stride": 3}),
    Layout(name="every 8 frames", shape={"frame_stride": 8}),
    Layout(name="patches of 4 frames", shape={"patch_frames": 4}),
    Layout(name="patches of 20 frames", shape={"patch_frames": 20}),
    Layout(
        name="16 x 16, every 10 (AST)",
        shape={"patch_frames": 16, "patch_mels": 16, "frame_stride": 10, "mel_stride": 10},
    ),
    Layout(name="64 mels", n_mels=64),
    Layout(name="40 mels", n_mels=40),
    Layout(name="8 blocks", shape={"depth": 8}),
    Layout(name="192 wide", shape={"dim": 192}),
    Layout(name="without averaged weights", ema_decay=0.0),
)


def report(data: Path, runs: Path, *, steps: int, seed: int, threads: int) -> str:
    """Train a small model with each layout and measure it on validation clips.

    Args:
        data: Folder of recordings.
        runs: Folder for the runs; finished ones are not trained again.
        steps: Of each run.
        seed: Of each run.
        threads: CPU threads.

    Returns:
        A Markdown table.
    """
    names = read_label_csv(SPEECH_COMMANDS_CSV).names
    words = [name for name in names if not name.startswith("_")]
    labels = ["_silence_", "_unknown_", *words]
    train, validation = read_corpus(data, "train"), read_corpus(data, "validation")
    measured = small_model.source(validation, labels, words)
    lines = [
        "| layout | parameters | multiply-adds a window | clips right |",
        "|---|---|---|---|",
    ]
    for number, layout in enumerate(LAYOUTS):
        model = _shape(layout, len(labels))
        trainer = small_model.trainer(
            runs / f"{number}-{seed}",
            small_model.task(labels, model, FbankConfig(n_mels=layout.n_mels)),
            steps=steps,
            seed=seed,
            threads=threads,
            ema_decay=layout.ema_decay,
        )
        trainer.run(SceneMaker(train, labels, SceneConfig()), measured)
        parameters = sum(values.numel() for values in trainer.model.parameters())
        lines.append(
            f"| {layout.name} | {parameters / 1e6:.2f} M | {_multiply_adds(model) / 1e6:.0f} M "
            f"| {small_model.right(trainer, measured)} |"
        )
        print(lines[-1], flush=True)
    return "\n".join(lines)


def _shape(layout: Layout, n_labels: int) -> AstConfig:
    small = AstConfig(
        n_labels=n_labels,
        n_mels=layout.n_mels,
        patch_mels=layout.n_mels,
        mel_stride=layout.n_mels,
        dim=96,
        depth=4,
        heads=3,
    )
    return replace(small, **layout.shape)


def _multiply_adds(model: AstConfig) -> int:
    """Of the matrix products: patches, blocks (queries to output, attention, MLP), head."""
    mel_patches, frame_patches = model.grid
    n_patches = mel_patches * frame_patches
    n_tokens = n_patches + 1 + model.distillation_token
    hidden = model.mlp_dim or 4 * model.dim
    block = n_tokens * (4 * model.dim**2 + 2 * n_tokens * model.dim + 2 * model.dim * hidden)
    patches = n_patches * model.dim * model.patch_frames * model.patch_mels
    return patches + model.depth * block + model.dim * model.n_labels
