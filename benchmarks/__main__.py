"""Runs one benchmark: python -m benchmarks NAME; `--help` lists them."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path


def make_parser() -> argparse.ArgumentParser:
    """Flags are named as the arguments of the benchmark's `report`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    features = commands.add_parser("features", help="fbank of a window hop and of a whole window")
    features.add_argument("--rounds", type=int, default=300)
    for name, text in (
        ("threads", "ONNX Runtime's threads and spinning"),
        ("stream", "samples to decision"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--model", type=Path, default=Path("assets/models/default"))
        command.add_argument("--rounds", type=int, default=100)
    commands.choices["threads"].add_argument("--busy", type=int, default=0, help="busy processes")
    commands.choices["stream"].add_argument("--backend", default="auto")
    train = commands.add_parser("train", help="training beside the bare step and transformers")
    train.add_argument("--size", default="tiny", choices=("default", "tiny", "small", "base"))
    train.add_argument("--batch-size", type=int, default=32)
    train.add_argument("--steps", type=int, default=12, help="of each turn")
    train.add_argument("--rounds", type=int, default=5)
    train.add_argument("--threads", type=int, default=2)
    train.add_argument("--workers", type=int, default=-1)
    rare = commands.add_parser("rare-words", help="mixtures of synthetic and real clips")
    rare.add_argument("--data", type=Path, required=True, help="folder of recordings")
    rare.add_argument("--synthetic", type=Path, required=True, help="folder of synthetic words")
    rare.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    rare.add_argument("--steps", type=int, default=2_500, help="of each run")
    rare.add_argument("--threads", type=int, default=2)
    rare.add_argument("--seed", type=int, default=1)
    layouts = commands.add_parser("layouts", help="size, patches and mel bins of the model")
    layouts.add_argument("--data", type=Path, required=True, help="folder of recordings")
    layouts.add_argument("--runs", type=Path, required=True, help="folder for the runs")
    layouts.add_argument("--steps", type=int, default=1_500, help="of each run")
    layouts.add_argument("--threads", type=int, default=2)
    layouts.add_argument("--seed", type=int, default=1)
    own = commands.add_parser("own-words", help="false alarms and misses of a model of own words")
    own.add_argument("--model", type=Path, required=True, help="model folder")
    own.add_argument("--words", type=Path, required=True, help="plain folder of its words")
    own.add_argument("--data", type=Path, required=True, help="folder of recordings")
    own.add_argument(
        "--threshold", dest="thresholds", type=float, nargs="+", default=[0.8, 0.9, 0.95]
    )
    own.add_argument("--smoothing", type=int, nargs="+", default=[3, 4, 5])
    precision = commands.add_parser("precision", help="a window in several model folders")
    precision.add_argument(
        "--models", type=Path, nargs="+", required=True, help="folders; the first is the reference"
    )
    precision.add_argument("--rounds", type=int, default=500)
    gpu = commands.add_parser("gpu", help="TensorRT, ONNX Runtime and torch on a GPU")
    gpu.add_argument(
        "--models",
        nargs="+",
        default=["base", "small", "default"],
        choices=("base", "small", "tiny", "default"),
    )
    gpu.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64, 256])
    gpu.add_argument("--precision", default="fp16", choices=("fp32", "fp16", "bf16"))
    gpu.add_argument(
        "--without",
        nargs="*",
        default=[],
        choices=("tensorrt", "tensorrt_rtx", "cuda", "torch", "compile"),
    )
    gpu.add_argument("--folder", type=Path, help="keeps exported models and plans for another run")
    gpu.add_argument("--out", type=Path, help="JSON lines of all rows")
    cpu = commands.add_parser("cpu", help="ONNX Runtime and torch on one core")
    cpu.add_argument(
        "--models",
        nargs="+",
        default=["base", "small", "default"],
        choices=("base", "small", "tiny", "default"),
    )
    cpu.add_argument("--batches", type=int, nargs="+", default=[1, 8])
    cpu.add_argument("--rounds", type=int, default=20)
    window = commands.add_parser("window", help="the window beside the same without one")
    window.add_argument("--model", type=Path, default=Path("assets/models/default"))
    window.add_argument("--data", type=Path, help="folder of sound files, not the bundled one")
    window.add_argument("--rounds", type=int, default=7, help="turns of each state; 0 for none")
    window.add_argument(
        "--stretch", dest="stretch_s", type=float, default=15.0, help="seconds of a turn"
    )
    window.add_argument("--minutes", type=float, default=0.0, help="then watch the memory")
    soak = commands.add_parser("soak", help="memory, threads and latency over hours")
    soak.add_argument("--model", type=Path, default=Path("assets/models/default"))
    soak.add_argument("--data", type=Path, help="folder of sound files, not the bundled one")
    soak.add_argument("--hours", type=float, default=72.0, help="of audio at full speed; 0: none")
    soak.add_argument("--minutes", type=float, default=0.0, help="then with a microphone")
    soak.add_argument("--device", help="microphone, by name or index; default: the default one")
    soak.add_argument("--busy", type=int, default=0, help="busy processes beside the microphone")
    soak.add_argument(
        "--check",
        nargs="*",
        choices=("memory", "handles", "latency", "losses"),
        help="status 1 where one of these limits does not hold; without names any of them",
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark that the arguments name and print its table."""
    options = vars(make_parser().parse_args(arguments))
    name = options.pop("command").replace("-", "_")
    print(importlib.import_module(f"benchmarks.{name}").report(**options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
