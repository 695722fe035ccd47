"""What a window costs on the CPU in each of several model folders, in turns."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.timing import compare, table
from engine.backends.onnxruntime import CpuBackend
from engine.manifest import load_manifest


def report(models: list[Path], rounds: int) -> str:
    """Time single windows through the CPU backend that ships.

    Args:
        models: Model folders of one shape of input; the first is the reference.
        rounds: Windows of each.

    Returns:
        A Markdown table.
    """
    manifests = {str(folder): load_manifest(folder) for folder in models}
    fbank = manifests[str(models[0])].fbank
    shape = (1, fbank.target_frames, fbank.n_mels)
    window = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    with ExitStack() as entered:
        candidates = {
            name: partial(entered.enter_context(CpuBackend(manifest)).infer, window)
            for name, manifest in manifests.items()
        }
        return table(compare(candidates, rounds=rounds))
