"""The GPU that plans are built for and run on."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from typing import Any

from engine.errors import BackendError

_MISSING = "cuda-bindings is not installed; pip install '.[tensorrt]'"


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU.

    Attributes:
        name: Its product name.
        capability: Compute capability, such as "9.0".
        driver: Version of CUDA that its driver supports, such as "13.0".
    """

    name: str
    capability: str
    driver: str


def cuda_runtime() -> Any:
    """The CUDA runtime's Python module; raises BackendError where it is not installed."""
    try:
        from cuda.bindings import runtime
    except ImportError as err:
        raise BackendError(_MISSING) from err
    return runtime


def checked(result: tuple[Any, ...]) -> Any:
    """The value of a call to the CUDA runtime.

    Args:
        result: What the call returned: its status and at most one value.

    Raises:
        BackendError: The status is not success.
    """
    status, *values = result
    if status.value:
        runtime = cuda_runtime()
        _, text = runtime.cudaGetErrorString(status)
        raise BackendError(f"CUDA failed: {status.name}, {text.decode()}")
    return values[0] if values else None


def _require_driver() -> None:
    """Look for the driver's library first: CUDA's package is large, and says less."""
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError as err:
        raise BackendError("no GPU: there is no NVIDIA driver here") from err


def find_gpu() -> Gpu:
    """The first GPU.

    Raises:
        BackendError: There is none, or its driver is too old.
    """
    _require_driver()
    runtime = cuda_runtime()
    status, count = runtime.cudaGetDeviceCount()
    if status.value or not count:
        _, built_for = runtime.getLocalRuntimeVersion()
        raise BackendError(f"no GPU that CUDA {built_for // 1000} can use ({status.name})")
    properties = checked(runtime.cudaGetDeviceProperties(0))
    driver = checked(runtime.cudaDriverGetVersion())
    return Gpu(
        name=properties.name.decode(),
        capability=f"{properties.major}.{properties.minor}",
        driver=f"{driver // 1000}.{driver % 1000 // 10}",
    )
