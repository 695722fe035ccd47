"""What a CPU makes of models: ONNX Runtime as it ships beside torch, for several batches."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.gpu_models import open_model
from benchmarks.timing import Timing, compare
from engine.backends import Backend
from engine.backends.onnxruntime import CpuBackend
from training.precision import TorchBackend


def report(models: list[str], batches: list[int], rounds: int) -> str:
    """Time batches through ONNX Runtime and torch in turns, each on one thread.

    Args:
        models: "base", "small", "tiny" (random weights) and "default" (the shipped model).
        batches: Sizes of batch.
        rounds: Batches of each.

    Returns:
        A Markdown table; ratios are to ONNX Runtime.
    """
    torch.set_num_threads(1)
    lines = [
        "| model | batch | program | median ms | p99 ms | ratio (5 % to 95 %) | windows/s "
        "| GFLOP/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    rng = np.random.default_rng(0)
    with TemporaryDirectory() as scratch:
        for name in models:
            model = open_model(name, "fp32", Path(scratch))
            with ExitStack() as entered:
                programs: dict[str, Backend] = {
                    "ONNX Runtime": entered.enter_context(CpuBackend(model.manifest)),
                    "torch": entered.enter_context(TorchBackend(model.module)),
                }
                for batch in batches:
                    shape = (batch, *model.input_shape)
                    inputs = rng.standard_normal(shape).astype(np.float32)
                    timings = compare(
                        {name: partial(p.infer, inputs) for name, p in programs.items()},
                        rounds=rounds,
                    )
                    lines += [_row(name, batch, t, model.flop) for t in timings]
    return "\n".join(lines)


def _row(model: str, batch: int, timing: Timing, flop: int) -> str:
    per_s = 1000 * batch / timing.median_ms
    return (
        f"| {model} | {batch} | {timing.name} | {timing.median_ms:.2f} | {timing.p99_ms:.2f} "
        f"| {timing.ratio:.2f} ({timing.ratio_low:.2f} to {timing.ratio_high:.2f}) "
        f"| {per_s:,.0f} | {per_s * flop / 1e9:.0f} |"
    )
