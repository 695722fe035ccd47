"""The programs and the machine that a run or a measurement took place on, as plain values."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_PACKAGES = ("kws", "numpy", "torch", "onnx", "onnxruntime")
_CPU_INFO = Path("/proc/cpuinfo")


def software() -> dict[str, str]:
    """Versions of Python and of the packages that decide what comes out; absent ones are left out.

    A version is read from the package's metadata: nothing is imported for it.
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, Any]:
    """Name of the processor, and the cores that this process may use."""
    return {"cpu": cpu_name(), "cores": len(os.sched_getaffinity(0))}


def training_machine(device: torch.device) -> dict[str, Any]:
    """The machine of a run: processor, cores, torch's threads, and the GPU where there is one.

    Args:
        device: What it trains on.
    """
    import torch

    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {**machine(), "torch_threads": torch.get_num_threads(), "gpu": gpu}


def cpu_name() -> str:
    """Name of the processor as it tells itself, or its architecture where it tells none."""
    try:
        text = _CPU_INFO.read_text(errors="replace")
    except OSError:
        text = ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names and names[0] else platform.machine()
