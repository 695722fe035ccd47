"""CUDA memory, a stream and graphs; every returned status is checked."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.errors import BackendError
from engine.plans.device import checked, cuda_runtime


class CudaStream:
    """A stream of our own, and the memory and graphs that are used on it.

    Everything is allocated once and freed by leaving. The default stream is never used: it waits
    for everybody else's work.
    """

    def __init__(self) -> None:
        self._runtime = cuda_runtime()
        self._owned = ExitStack()
        self._stream: Any = None

    def __enter__(self) -> Self:
        """Create the stream; raises BackendError."""
        runtime = self._runtime
        self._stream = checked(runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking))
        self._owned.callback(runtime.cudaStreamDestroy, self._stream)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Free everything; after a CUDA error nothing can be freed, and nothing is said of it."""
        self._owned.close()

    @property
    def handle(self) -> int:
        """The stream as a number."""
        return int(self._stream)

    def device_memory(self, n_bytes: int) -> int:
        """Address of new memory on the GPU."""
        address = int(checked(self._runtime.cudaMalloc(max(n_bytes, 256))))
        self._owned.callback(self._runtime.cudaFree, address)
        return address

    def pinned_array(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """A new float32 array of zeros in memory that the GPU reads by itself."""
        n_bytes = 4 * int(np.prod(shape))
        address = int(checked(self._runtime.cudaHostAlloc(n_bytes, 0)))
        self._owned.callback(self._runtime.cudaFreeHost, address)
        buffer = (ctypes.c_float * (n_bytes // 4)).from_address(address)
        array: npt.NDArray[np.float32] = np.ctypeslib.as_array(buffer).reshape(shape)
        array[...] = 0
        return array

    def copy_in(self, to_device: int, from_host: npt.NDArray[np.float32], n_bytes: int) -> None:
        """Queue a copy to the GPU."""
        self._copy(to_device, from_host.ctypes.data, n_bytes, "cudaMemcpyHostToDevice")

    def copy_out(self, to_host: npt.NDArray[np.float32], from_device: int, n_bytes: int) -> None:
        """Queue a copy from the GPU."""
        self._copy(to_host.ctypes.data, from_device, n_bytes, "cudaMemcpyDeviceToHost")

    def _copy(self, to: int, source: int, n_bytes: int, kind: str) -> None:
        runtime = self._runtime
        direction = getattr(runtime.cudaMemcpyKind, kind)
        checked(runtime.cudaMemcpyAsync(to, source, n_bytes, direction, self._stream))

    def synchronize(self) -> None:
        """Wait for everything that was queued; raises BackendError for what went wrong there."""
        checked(self._runtime.cudaStreamSynchronize(self._stream))

    def capture(self, queue_work: Callable[[], None]) -> Callable[[], None]:
        """Record what a function queues; the result queues all of it again, at once.

        Raises:
            BackendError: It cannot be recorded.
        """
        runtime = self._runtime
        mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        checked(runtime.cudaStreamBeginCapture(self._stream, mode))
        try:
            queue_work()
        finally:  # a stream that is left recording can't be used
            ended = runtime.cudaStreamEndCapture(self._stream)
        graph = checked(ended)
        self._owned.callback(runtime.cudaGraphDestroy, graph)
        launchable = checked(runtime.cudaGraphInstantiate(graph, 0))
        self._owned.callback(runtime.cudaGraphExecDestroy, launchable)

        def launch() -> None:
            checked(runtime.cudaGraphLaunch(launchable, self._stream))

        return launch

    def time_ms(self, queue_work: Callable[[], None], repeats: int) -> float:
        """Milliseconds on the GPU of one of several repeats in a row, by its own clock."""
        runtime = self._runtime
        first, last = checked(runtime.cudaEventCreate()), checked(runtime.cudaEventCreate())
        checked(runtime.cudaEventRecord(first, self._stream))
        for _ in range(repeats):
            queue_work()
        checked(runtime.cudaEventRecord(last, self._stream))
        checked(runtime.cudaEventSynchronize(last))
        elapsed = float(checked(runtime.cudaEventElapsedTime(first, last)))
        for event in (first, last):
            checked(runtime.cudaEventDestroy(event))
        return elapsed / repeats


def free_device_bytes() -> int:
    """Memory of the GPU that nobody has taken."""
    runtime = cuda_runtime()
    status, free, _ = runtime.cudaMemGetInfo()
    checked((status,))
    if not isinstance(free, int):
        raise BackendError(f"CUDA says that {free!r} bytes are free")
    return free
