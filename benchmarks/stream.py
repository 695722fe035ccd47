"""What one window costs from samples to decision, against the bare model."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import compare, table
from engine.backends import choose_backend
from engine.manifest import load_manifest
from engine.scorer import StreamScorer


def report(model: Path, backend: str, rounds: int) -> str:
    """Time one window hop through the whole StreamScorer.

    Args:
        model: Model folder.
        backend: As in --backend.
        rounds: Window hops.

    Returns:
        A Markdown table; the first row is the model alone.
    """
    manifest = load_manifest(model)
    chosen = choose_backend(backend, manifest)
    rng = np.random.default_rng(0)
    windows = manifest.windows
    hop = (0.1 * rng.standard_normal(windows.hop_samples)).astype(np.float32)
    model_input = rng.standard_normal((1, manifest.fbank.target_frames, manifest.fbank.n_mels))
    with chosen.backend as running:
        scorer = StreamScorer(manifest, running, manifest.decision)
        list(scorer.process(np.resize(hop, windows.window_samples)))
        timings = compare(
            {
                f"model alone, {running.name}": partial(
                    running.infer, model_input.astype(np.float32)
                ),
                "samples to decision": lambda: list(scorer.process(hop)),
            },
            rounds=rounds,
        )
    return table(timings)
