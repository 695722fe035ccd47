"""TensorRT beside ONNX Runtime and torch on a GPU, against what the GPU can do at all."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from benchmarks.gpu_models import Model, open_model
from benchmarks.gpu_torch import CompiledTorch, EagerTorch, Limits, measure_limits
from engine.backends import Backend
from engine.backends.onnxruntime import CudaBackend
from engine.backends.tensorrt import TensorRtBackend, TensorRtRtxBackend
from engine.plans.cache import PlanCache

_STRETCH_S = 1.0  # of each candidate at each size of batch
_FEWEST, _MOST = 20, 1000


@dataclass(frozen=True, kw_only=True)
class Row:
    """One program at one size of batch.

    Attributes:
        model: Size of the model.
        program: What ran it.
        batch: Windows at once.
        p50_ms: From model inputs in memory to logits in memory.
        p95_ms: The same.
        p99_ms: The same.
        device_ms: On the GPU alone, repeated in a row; 0 where it can't be told apart.
        limit_ms: The larger of reading all weights and of all multiply-adds.
        tflop: Of the whole batch.
        peak_mib: Memory that the program took.
    """

    model: str
    program: str
    batch: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    device_ms: float
    limit_ms: float
    tflop: float
    peak_mib: float


def report(
    models: list[str],
    batches: list[int],
    precision: str,
    without: list[str],
    folder: Path | None,
    out: Path | None,
) -> str:
    """Measure every program on every model.

    Args:
        models: "base", "small" (random weights) and "default" (the shipped model).
        batches: Sizes of batch.
        precision: What the models compute in.
        without: Programs to leave out.
        folder: Keeps the exported models and plans for another run.
        out: JSON lines of all rows.

    Returns:
        Markdown: the machine, its limits, and a table.
    """
    if not torch.cuda.is_available():
        raise SystemExit("torch finds no GPU; this benchmark compares programs on one")
    notes: list[str] = []
    rows: list[Row] = []
    with TemporaryDirectory() as scratch, torch.no_grad():
        kept = folder or Path(scratch)
        limits = measure_limits(precision)
        for name in models:
            model = open_model(name, precision, kept)
            programs = _programs(model, max(batches), kept / "plans", precision)
            for program, make in programs.items():
                if program in without:
                    continue
                try:
                    found = _measure(model, program, make, batches, limits)
                except Exception as err:  # noqa: BLE001  one that fails must not end the others
                    notes.append(f"{name}, {program}: {type(err).__name__}: {str(err)[:500]}")
                    continue
                rows += found
                if out:
                    with out.open("a") as file:
                        file.writelines(json.dumps(asdict(row)) + "\n" for row in found)
    return "\n".join([_machine(), limits.text(), "", _table(rows), "", *notes])


def _programs(
    model: Model, max_batch: int, plans: Path, precision: str
) -> dict[str, Callable[[], Backend]]:
    cache = PlanCache(plans, size_limit_bytes=1 << 40)

    def tensorrt(kind: type[TensorRtBackend]) -> Callable[[], Backend]:
        return lambda: kind(model.manifest, max_batch=max_batch, cache=cache)

    return {
        "tensorrt": tensorrt(TensorRtBackend),
        "tensorrt_rtx": tensorrt(TensorRtRtxBackend),
        "cuda": lambda: CudaBackend(model.manifest),
        "torch": lambda: EagerTorch(model.module, precision),
        "compile": lambda: CompiledTorch(model.module, precision),
    }


def _measure(
    model: Model, program: str, make: Callable[[], Backend], batches: list[int], limits: Limits
) -> list[Row]:
    torch.cuda.empty_cache()  # what torch keeps for later would not be counted
    free = torch.cuda.mem_get_info()[0]
    rows = []
    rng = np.random.default_rng(0)
    with ExitStack() as entered:
        backend = entered.enter_context(make())
        for batch in batches:
            inputs = rng.standard_normal((batch, *model.input_shape)).astype(np.float32)
            times_ms = _times_ms(backend, inputs)
            p50, p95, p99 = np.percentile(times_ms, [50, 95, 99])
            rows.append(
                Row(
                    model=model.name,
                    program=program,
                    batch=batch,
                    p50_ms=float(p50),
                    p95_ms=float(p95),
                    p99_ms=float(p99),
                    device_ms=_device_ms(backend, batch),
                    limit_ms=limits.least_ms(model.weight_bytes, batch * model.flop),
                    tflop=batch * model.flop / 1e12,
                    peak_mib=(free - torch.cuda.mem_get_info()[0]) / (1 << 20),
                )
            )
    torch.cuda.empty_cache()
    return rows


def _times_ms(backend: Backend, inputs: Any) -> list[float]:
    for _ in range(5):
        backend.infer(inputs)
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < _MOST:
        started = time.perf_counter()
        backend.infer(inputs)
        now = time.perf_counter()
        times.append(1000 * (now - started))
        if now - began > _STRETCH_S and len(times) >= _FEWEST:
            break
    return times


def _device_ms(backend: Backend, batch: int) -> float:
    if isinstance(backend, TensorRtBackend):
        return backend.runner.device_ms(batch, 50)
    if isinstance(backend, CompiledTorch):
        return backend.device_ms(50)
    return 0.0


def _machine() -> str:
    import onnxruntime

    versions = {"torch": torch.__version__, "onnxruntime": onnxruntime.__version__}
    for name in ("tensorrt", "tensorrt_rtx"):
        try:
            versions[name] = __import__(name).__version__
        except Exception:  # noqa: BLE001  a library that is not there raises several kinds
            versions[name] = "none"
    driver = subprocess.run(
        ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{torch.cuda.get_device_name()}, driver {driver}; {named}"


def _table(rows: list[Row]) -> str:
    lines = [
        "| model | program | batch | p50 ms | p95 | p99 | on the GPU | limit | share | windows/s "
        "| TFLOP/s | peak MiB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        on_gpu = f"{row.device_ms:.3f}" if row.device_ms else ""
        best = row.device_ms or row.p50_ms
        lines.append(
            f"| {row.model} | {row.program} | {row.batch} | {row.p50_ms:.3f} | {row.p95_ms:.3f} "
            f"| {row.p99_ms:.3f} | {on_gpu} | {row.limit_ms:.3f} | {row.limit_ms / best:.0%} "
            f"| {1000 * row.batch / row.p50_ms:,.0f} | {1000 * row.tflop / row.p50_ms:.1f} "
            f"| {row.peak_mib:.0f} |"
        )
    return "\n".join(lines)
