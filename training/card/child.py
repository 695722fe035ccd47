"""A process that does nothing but score: how much memory it takes, and how long a window.

`python -m training.card.child MODEL BACKEND WINDOWS` prints JSON. A process of its own, so that
nothing of what makes the card (torch, pictures) counts.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends import choose_backend
from engine.errors import KwsError
from engine.manifest import load_manifest
from engine.scorer import StreamScorer

_STATUS = Path("/proc/self/status")
_AMPLITUDE = 0.1
_UNTIMED = 10
_LONGEST_S = 30.0


def measure(model: Path, backend_name: str, windows: int) -> dict[str, Any]:
    """Score white noise, hop by hop.

    Args:
        model: Model folder.
        backend_name: As in --backend.
        windows: Hops that are timed, after some that are not; fewer where they take longer than
            half a minute.

    Raises:
        KwsError: The model is refused, or the backend is not here.
    """
    manifest = load_manifest(model)
    hop_samples = manifest.windows.hop_samples
    rng = np.random.default_rng(0)
    noise = _AMPLITUDE * rng.standard_normal(hop_samples * (_UNTIMED + windows))
    hops = noise.astype(np.float32).reshape(-1, hop_samples)
    inference_s: list[float] = []
    total_s: list[float] = []
    with choose_backend(backend_name, manifest).backend as backend:
        scorer = StreamScorer(manifest, backend, manifest.decision)
        silence = np.zeros(manifest.windows.window_samples, np.float32)
        list(scorer.process(silence))  # the first window is there with the next hop
        began = time.perf_counter()
        for hop in hops:
            started = time.perf_counter()
            if started - began > _LONGEST_S and len(total_s) > _UNTIMED:
                break
            scored = list(scorer.process(hop))
            total_s.append(time.perf_counter() - started)
            inference_s += [window.inference_s for window in scored]
    return {
        "backend": backend_name,
        "windows": len(total_s) - _UNTIMED,
        "model_ms": _quantiles_ms(inference_s[_UNTIMED:]),
        "total_ms": _quantiles_ms(total_s[_UNTIMED:]),
        "peak_mib": peak_mib(),
    }


def peak_mib() -> float | None:
    """Most memory that this process has held, in MiB; None where the system does not tell.

    `resource.getrusage` would count the process that this one was started from: what a child
    inherits at its start stays in its maximum, although it has given it up (Linux, exec_mmap).
    """
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    peaks = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peaks[0]) / 1024 if peaks else None


def _quantiles_ms(seconds: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"p50": 1000 * float(p50), "p95": 1000 * float(p95)}


def main(arguments: list[str]) -> int:
    """Measure and print; errors are printed as JSON, too."""
    model, backend_name, windows = arguments
    try:
        print(json.dumps(measure(Path(model), backend_name, int(windows))))
    except KwsError as err:
        print(json.dumps({"error": str(err)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
