"""Command line of the training side: python -m training fit ..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.config import FbankConfig
from engine.errors import KwsError

WORDS = [
    "backward",
    "bed",
    "bird",
    "cat",
    "dog",
    "down",
    "eight",
    "five",
    "follow",
    "forward",
    "four",
    "go",
    "happy",
    "house",
    "learn",
    "left",
    "marvin",
    "nine",
    "no",
    "off",
    "on",
    "one",
    "right",
    "seven",
    "sheila",
    "six",
    "stop",
    "three",
    "tree",
    "two",
    "up",
    "visual",
    "wow",
    "yes",
    "zero",
]
LABELS = ["_silence_", "_unknown_", *WORDS]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fit = commands.add_parser("fit", help="train a model, or go on after an interruption")
    fit.add_argument("--data", type=Path, required=True, help="folder of recordings")
    fit.add_argument("--run", type=Path, required=True, help="folder of this run")
    fit.add_argument("--steps", type=int, default=17_500)
    fit.add_argument("--threads", type=int, default=2)
    fit.add_argument("--seed", type=int, default=1)
    fit.set_defaults(function=_fit)
    export = commands.add_parser("export", help="write a model folder from a run")
    export.add_argument("--run", type=Path, required=True, help="folder of the run")
    export.add_argument("--model", type=Path, required=True, help="model folder to write")
    export.add_argument("--data", type=Path, required=True, help="folder that it was trained on")
    export.add_argument("--name", default="ast-kws", help="name in the manifest")
    export.add_argument("--threshold", type=float, default=0.5, help="of every keyword")
    export.add_argument("--smoothing", type=int, default=3, help="windows to average")
    export.set_defaults(function=_export)
    measure = commands.add_parser("evaluate", help="measure a model folder")
    measure.add_argument("--data", type=Path, required=True, help="folder of recordings")
    measure.add_argument("--model", type=Path, default=Path("assets/models/default"))
    measure.add_argument("--alarms-per-hour", type=float, nargs="+", default=[1, 6, 60])
    measure.add_argument("--smoothing", type=int, nargs="+", default=[1, 2, 3])
    measure.add_argument(
        "--record", action="store_true", help="write the figures into the model's manifest"
    )
    measure.set_defaults(function=_evaluate)
    synthesize = commands.add_parser("synthesize", help="make the demo recording with flite")
    synthesize.add_argument("--out", type=Path, default=Path("assets/demo.flac"))
    synthesize.set_defaults(function=_synthesize)
    options = parser.parse_args(arguments)
    try:
        options.function(options)
    except KwsError as err:
        print(f"training: {err}", file=sys.stderr)
        return 1
    return 0


def _fit(options: argparse.Namespace) -> None:
    from training.ast import AstConfig
    from training.data.corpus import read_corpus
    from training.data.scenes import SceneConfig
    from training.fit import FitConfig, Trainer, validation_windows

    trainer = Trainer(
        options.run,
        labels=LABELS,
        fbank_config=FbankConfig(),
        model_config=AstConfig(n_labels=len(LABELS), drop_path=0.05),
        scene_config=SceneConfig(),
        config=FitConfig(steps=options.steps, threads=options.threads, seed=options.seed),
    )
    validation = validation_windows(read_corpus(options.data, "validation"), LABELS, 16_000)
    trainer.run(read_corpus(options.data, "train"), validation)


def _export(options: argparse.Namespace) -> None:
    from training.data.corpus import corpus_sources
    from training.export import MAX_LOGIT_DIFFERENCE, export_model

    difference = export_model(
        options.run,
        options.model,
        name=options.name,
        threshold=options.threshold,
        smoothing_windows=options.smoothing,
        provenance={"data": corpus_sources(options.data)},
    )
    print(
        f"wrote {options.model}; largest logit difference to torch {difference:.2e} "
        f"(limit {MAX_LOGIT_DIFFERENCE:.0e})"
    )


def _evaluate(options: argparse.Namespace) -> None:
    from training.report import measure, record, to_markdown

    report = measure(
        options.model,
        options.data,
        alarms_per_hour=options.alarms_per_hour,
        smoothing=options.smoothing,
    )
    print(to_markdown(report), end="")
    if options.record:
        record(report)


def _synthesize(options: argparse.Namespace) -> None:
    from training.synthesize import make_demo

    for text, end_s in make_demo(options.out):
        print(f"{end_s:6.2f} s  {text}")


if __name__ == "__main__":
    sys.exit(main())
