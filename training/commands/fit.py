"""Train a model, or go on after an interruption."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.config import FbankConfig


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--data", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--run", type=Path, required=True, help="folder of this run")
    parser.add_argument("--steps", type=int, default=17_500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> None:
    """Train."""
    from training.ast import AstConfig
    from training.data.corpus import read_corpus
    from training.data.label_csv import SPEECH_COMMANDS_CSV, read_label_csv
    from training.data.scenes import SceneConfig
    from training.fit import FitConfig, Trainer, validation_windows

    labels = ["_silence_", "_unknown_", *sorted(read_label_csv(SPEECH_COMMANDS_CSV).names)]
    trainer = Trainer(
        options.run,
        labels=labels,
        fbank_config=FbankConfig(),
        model_config=AstConfig(n_labels=len(labels), drop_path=0.05),
        scene_config=SceneConfig(),
        config=FitConfig(steps=options.steps, threads=options.threads, seed=options.seed),
    )
    validation = validation_windows(read_corpus(options.data, "validation"), labels, 16_000)
    trainer.run(read_corpus(options.data, "train"), validation)
