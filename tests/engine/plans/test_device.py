"""The GPU, or why there is none."""

import sys
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import BackendError
from engine.plans import device
from engine.plans.device import Gpu, checked, find_gpu


class Status(Enum):
    cudaSuccess = 0  # noqa: N815  CUDA's name
    cudaErrorNoDevice = 100  # noqa: N815


def runtime(count: int, status: Status = Status.cudaSuccess) -> Any:
    properties = SimpleNamespace(name=b"NVIDIA Test", major=8, minor=9)
    return SimpleNamespace(
        cudaGetDeviceCount=lambda: (status, count),
        getLocalRuntimeVersion=lambda: (Status.cudaSuccess, 13000),
        cudaGetDeviceProperties=lambda index: (Status.cudaSuccess, properties),
        cudaDriverGetVersion=lambda: (Status.cudaSuccess, 13010),
        cudaGetErrorString=lambda status: (Status.cudaSuccess, b"no such device"),
    )


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_require_driver", lambda: None)


@pytest.mark.usefixtures("driver")
def test_the_first_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cuda_runtime", lambda: runtime(2))
    assert find_gpu() == Gpu(name="NVIDIA Test", capability="8.9", driver="13.1")


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("count", "status"), [(0, Status.cudaSuccess), (None, Status.cudaErrorNoDevice)]
)
def test_no_gpu(monkeypatch: pytest.MonkeyPatch, count: Any, status: Status) -> None:
    monkeypatch.setattr(device, "cuda_runtime", lambda: runtime(count, status))
    with pytest.raises(BackendError, match=rf"no GPU that CUDA 13 can use \({status.name}\)"):
        find_gpu()


def test_every_status_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "cuda_runtime", lambda: runtime(1))
    assert checked((Status.cudaSuccess, 5)) == 5
    assert checked((Status.cudaSuccess,)) is None
    with pytest.raises(BackendError, match="CUDA failed: cudaErrorNoDevice, no such device"):
        checked((Status.cudaErrorNoDevice, None))


def test_without_a_driver_nothing_large_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ctypes.CDLL", missing)
    monkeypatch.setattr(device, "cuda_runtime", lambda: pytest.fail("it was imported"))
    with pytest.raises(BackendError, match="there is no NVIDIA driver here"):
        find_gpu()
