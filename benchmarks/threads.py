"""How ONNX Runtime's threads and spinning change a window's inference, at the pace of a stream."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processes import busy_processes
from engine.backends.onnxruntime import INPUT_NAME, OUTPUT_NAME
from engine.manifest import load_manifest

_HOP_S = 0.1
_PASSES = 3
_SETTINGS = ((1, False), (2, False), (2, True))


def report(model: Path, rounds: int, busy: int) -> str:
    """Time inference at 10 windows a second, in turns with the setting that the engine uses.

    Args:
        model: Model folder.
        rounds: Windows for each setting in each of three passes.
        busy: Processes that keep a core busy meanwhile.

    Returns:
        A Markdown table; the first row is the reference.
    """
    manifest = load_manifest(model)
    shape = (1, manifest.fbank.target_frames, manifest.fbank.n_mels)
    model_input = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    passes: list[list[tuple[float, float, float]]] = []
    with busy_processes(busy):
        for _ in range(_PASSES):
            passes.append([])
            for threads, spinning in _SETTINGS:
                session = _session(manifest.model_path, threads, spinning=spinning)
                passes[-1].append(_paced(session, model_input, rounds))
    figures = np.array(passes)  # [passes, settings, (median, p99, share)]
    ratios = figures[:, :, 0] / figures[:, :1, 0]
    lines = [
        f"{busy} other busy process(es)",
        "",
        "| threads | spinning | median ms | p99 ms | ratio | CPU share |",
        "|---|---|---|---|---|---|",
    ]
    for column, (threads, spinning) in enumerate(_SETTINGS):
        median_ms, p99_ms, share = np.median(figures[:, column], axis=0)
        lines.append(
            f"| {threads} | {'on' if spinning else 'off'} | {median_ms:.2f} | {p99_ms:.2f} "
            f"| {np.median(ratios[:, column]):.2f} | {share:.1%} |"
        )
    return "\n".join(lines)


def _session(path: Path, threads: int, *, spinning: bool) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _paced(session: Any, model_input: np.ndarray, rounds: int) -> tuple[float, float, float]:
    """Median and p99 in ms, and the share of one core that the process took."""
    session.run([OUTPUT_NAME], {INPUT_NAME: model_input})
    times_s = []
    cpu_started, wall_started = time.process_time(), time.perf_counter()
    for _ in range(rounds):
        started = time.perf_counter()
        session.run([OUTPUT_NAME], {INPUT_NAME: model_input})
        took_s = time.perf_counter() - started
        times_s.append(took_s)
        time.sleep(max(0.0, _HOP_S - took_s))
    share = (time.process_time() - cpu_started) / (time.perf_counter() - wall_started)
    median_s, p99_s = np.percentile(times_s, [50, 99])
    return float(median_s) * 1000, float(p99_s) * 1000, share
