"""What a model costs: parameters, multiply-adds, bytes, memory, time, agreement with torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.backends import BACKEND_NAMES, choose_backend
from engine.errors import BackendError, ModelError
from engine.manifest import ModelManifest
from engine.types import Float32
from training.card.macs import MultiplyAdds, count_multiply_adds
from training.environment import machine

_ROOT = Path(__file__).parent.parent.parent
_TIMEOUT_S = 600
WINDOWS = 200


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What was measured or counted.

    Attributes:
        parameters: Of the weights file; None without one.
        multiply_adds: Of one window.
        file_bytes: File name to size.
        machine: Where times were taken.
        scoring: Backend to times and memory, or to {"error": why not}.
        parity: Backend to largest logit difference to torch; None without weights.
    """

    parameters: int | None
    multiply_adds: MultiplyAdds
    file_bytes: dict[str, int]
    machine: dict[str, Any]
    scoring: dict[str, dict[str, Any]]
    parity: dict[str, float] | None


def measure_cost(manifest: ModelManifest, *, timed: bool = True) -> Cost:
    """Count and measure a model folder.

    Args:
        manifest: Of the folder.
        timed: Whether times, memory and parity are measured; else only what lasts is counted.

    Raises:
        ModelError: The weights file is damaged.
    """
    folder = manifest.folder
    scoring = {name: _scored_apart(folder, name) for name in BACKEND_NAMES} if timed else {}
    weights = "model.safetensors" in manifest.files
    here = [name for name, found in scoring.items() if "error" not in found]
    return Cost(
        parameters=count_parameters(folder / "model.safetensors") if weights else None,
        multiply_adds=count_multiply_adds(manifest.model_path),
        file_bytes={name: (folder / name).stat().st_size for name in sorted(manifest.files)},
        machine=machine(),
        scoring=scoring,
        parity=logit_differences(manifest, here) if weights and timed else None,
    )


def count_parameters(weights: Path) -> int:
    """Numbers in a weights file, read off its head; raises ModelError if it has none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118
    except (OSError, SafetensorError) as err:
        raise ModelError(f"cannot read {weights}: {err}; export the model anew") from err
    return sum(int(np.prod(shape)) for shape in shapes)


def logit_differences(manifest: ModelManifest, backends: list[str]) -> dict[str, float]:
    """Largest logit difference to torch of each backend, on the inputs of the export's check."""
    import torch

    from training.model_folder import parity_inputs
    from training.start import open_trained

    inputs = parity_inputs(manifest.fbank)
    with torch.no_grad():
        trained = open_trained(str(manifest.folder)).model(torch.from_numpy(inputs)).numpy()
    return {
        name: float(np.abs(_logits(manifest, name, inputs) - trained).max()) for name in backends
    }


def _logits(manifest: ModelManifest, backend_name: str, inputs: Float32) -> Float32:
    with choose_backend(backend_name, manifest).backend as backend:
        return np.concatenate([backend.infer(part[None]) for part in inputs])


def _scored_apart(folder: Path, backend_name: str) -> dict[str, Any]:
    """What `training.card.child` measures, in a process of its own."""
    command = [sys.executable, "-m", "training.card.child", str(folder), backend_name, str(WINDOWS)]
    done = run_apart(command)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as err:
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise BackendError(f"the process that scores with {backend_name} failed: {reason}") from err
    return found


def run_apart(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of this checkout, wherever the caller stands.

    Raises:
        BackendError: It takes too long.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        return subprocess.run(  # noqa: S603  our own programs, no shell
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            check=False,
        )
    except subprocess.TimeoutExpired as err:
        raise BackendError(f"{command[2]} took more than {_TIMEOUT_S} s; it must be done") from err
