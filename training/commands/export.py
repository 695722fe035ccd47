"""Write a model folder from a run, or from another model folder's weights."""

from __future__ import annotations

import argparse
from pathlib import Path

from training.commands.flags import add_split


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument(
        "folder", type=Path, metavar="source", help="folder of the run, or a model folder"
    )
    parser.add_argument("--model", type=Path, required=True, help="model folder to write")
    parser.add_argument("--name", help="name in the manifest")
    parser.add_argument(
        "--threshold",
        type=float,
        help="of every keyword (default: 0.9); a model folder keeps its own",
    )
    parser.add_argument(
        "--smoothing",
        type=int,
        help="windows to average (default: 4); a model folder keeps its own",
    )
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16", "bf16", "int8"),
        default="fp32",
        help="number type that the model computes in; any other than fp32 takes --data",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="folder of recordings: refuse a precision that hears otherwise than float32",
    )
    add_split(parser)


def run(options: argparse.Namespace) -> None:
    """Export and print the difference to torch."""
    from engine.errors import ConfigError
    from training.card.document import MARKDOWN_FILE
    from training.export import export_precision, open_source
    from training.model_folder import MAX_LOGIT_DIFFERENCE, write_model_folder

    if options.precision != "fp32" and options.data is None:
        raise ConfigError(
            f"--precision {options.precision} is compared with float32 on real audio before it "
            "is written; give --data FOLDER with recordings, or take fp32"
        )
    source = open_source(
        options.folder,
        name=options.name or options.model.name,
        threshold=options.threshold,
        smoothing_windows=options.smoothing,
    )
    if options.data is None:
        difference = write_model_folder(options.model, source.model, source.card)
        print(
            f"wrote {options.model}; largest logit difference to torch {difference:.2e} "
            f"(limit {MAX_LOGIT_DIFFERENCE:.0e})"
        )
    else:
        found = export_precision(
            source, options.model, options.precision, options.data, options.split
        )
        print(f"wrote {options.model} in {options.precision}; {found.text}")
    if options.precision == "bf16":
        print("note: ONNX Runtime's CPU provider has no bf16; this folder is for a GPU")
    if (options.model / MARKDOWN_FILE).exists():
        print(
            f"note: {options.model / MARKDOWN_FILE} is of the model before; make it anew: "
            f"python -m training card --model {options.model}"
        )
