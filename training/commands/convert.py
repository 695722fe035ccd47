"""Turn a published checkpoint into a model folder."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("source", type=Path, help=".pth, .bin, .safetensors or a folder of them")
    parser.add_argument("--model", type=Path, required=True, help="model folder to write")
    parser.add_argument("--labels", type=Path, help="label table: index,mid,display_name")
    parser.add_argument("--name", help="name in the manifest")
    parser.add_argument("--activation", choices=("sigmoid", "softmax"), help="of the logits")
    parser.add_argument("--frames", type=int, help="length of the model's input")
    parser.add_argument(
        "--strides", type=int, nargs=2, metavar=("MEL", "FRAME"), help="patch advance"
    )
    parser.add_argument("--heads", type=int, help="attention heads")
    parser.add_argument("--norm-eps", type=float, help="epsilon of every LayerNorm")
    parser.add_argument("--mean", type=float, help="of the training set's log-mel")
    parser.add_argument("--std", type=float, help="of the training set's log-mel")
    parser.add_argument("--window-s", type=float, help="seconds that are scored at a time")
    parser.add_argument("--threshold", type=float, default=0.5, help="of every label")
    parser.add_argument("--smoothing", type=int, default=3, help="windows to average")


def run(options: argparse.Namespace) -> None:
    """Convert and print what was found."""
    from training.convert import ConvertOptions, convert
    from training.model_folder import MAX_LOGIT_DIFFERENCE

    card, difference = convert(
        options.source,
        options.model,
        ConvertOptions(
            labels=options.labels,
            name=options.name,
            activation=options.activation,
            n_frames=options.frames,
            strides=tuple(options.strides) if options.strides else None,
            heads=options.heads,
            norm_eps=options.norm_eps,
            mean=options.mean,
            std=options.std,
            window_s=options.window_s,
            threshold=options.threshold,
            smoothing_windows=options.smoothing,
        ),
    )
    shape = card.provenance["architecture"]
    print(
        f"{card.provenance['converted_from']['spelling']} checkpoint: {len(card.labels)} labels, "
        f"dim {shape['dim']}, depth {shape['depth']}, {shape['heads']} heads, strides "
        f"{shape['mel_stride']} and {shape['frame_stride']}, {shape['n_frames']} frames, "
        f"{card.activation}, mean {card.fbank.mean:g}, std {card.fbank.std:g}, windows of "
        f"{card.windows.window_samples / card.fbank.sample_rate_hz:g} s, LayerNorm epsilons "
        f"{shape['norm_eps']:g} and {shape['head_norm_eps']:g}"
    )
    print(
        f"wrote {options.model}; largest logit difference to torch {difference:.2e} "
        f"(limit {MAX_LOGIT_DIFFERENCE:.0e})"
    )
