"""As much of TensorRT and CUDA as runs a plan, on the CPU: memory is real, kernels are numpy.

It keeps the rules that the real ones have: a graph repeats what was queued while it was recorded,
and nothing that is queued has happened before the stream is waited for.
"""

import ctypes
from collections.abc import Callable
from enum import Enum
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np

from engine.errors import BackendError

FRAMES, MELS, LABELS = 3, 2, 4


class DataType(Enum):
    FLOAT = 0
    HALF = 1


class FakeStream:
    """engine.backends.cuda.CudaStream without CUDA."""

    made: ClassVar[list["FakeStream"]] = []

    def __init__(self) -> None:
        self.handle = 7
        self.queued: list[Callable[[], None]] = []
        self.recording: list[Callable[[], None]] | None = None
        self.memory: dict[int, Any] = {}
        self.captures = 0
        self.refuses_capture = False
        self.is_open = False
        FakeStream.made.append(self)

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.is_open = False

    def device_memory(self, n_bytes: int) -> int:
        buffer = (ctypes.c_char * n_bytes)()
        address = ctypes.addressof(buffer)
        self.memory[address] = buffer
        return address

    def pinned_array(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.float32)

    def queue(self, work: Callable[[], None]) -> None:
        (self.queued if self.recording is None else self.recording).append(work)

    def copy_in(self, to_device: int, from_host: np.ndarray, n_bytes: int) -> None:
        self.queue(lambda: ctypes.memmove(to_device, from_host.ctypes.data, n_bytes) and None)

    def copy_out(self, to_host: np.ndarray, from_device: int, n_bytes: int) -> None:
        self.queue(lambda: ctypes.memmove(to_host.ctypes.data, from_device, n_bytes) and None)

    def synchronize(self) -> None:
        queued, self.queued = self.queued, []
        for work in queued:
            work()

    def capture(self, queue_work: Callable[[], None]) -> Callable[[], None]:
        if self.refuses_capture:
            raise BackendError("CUDA failed: cudaErrorStreamCaptureUnsupported")
        self.captures += 1
        self.recording = []
        queue_work()
        recorded, self.recording = self.recording, None
        return lambda: self.queued.extend(recorded)


class FakeContext:
    """Sums each input row into its logits."""

    def __init__(self, engine: "FakeEngine") -> None:
        self._engine = engine
        self._shape: tuple[int, ...] = ()
        self._addresses: dict[str, int] = {}

    def set_device_memory(self, address: int, size: int) -> None:
        assert size >= self._engine.device_memory_size_v2

    def set_optimization_profile_async(self, profile: int, stream: int) -> bool:
        self._profile = profile
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        low, _, high = self._engine.get_tensor_profile_shape(name, self._profile)
        self._shape = shape
        return bool(low[0] <= shape[0] <= high[0])

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return not self._engine.refuses

    def execute_async_v3(self, stream: int) -> bool:
        self._engine.stream.queue(self._run)
        return not self._engine.fails

    def _run(self) -> None:
        batch = self._shape[0]
        inputs = _view(self._addresses["fbank"], self._shape)
        logits = _view(self._addresses["logits"], (batch, LABELS))
        logits[...] = inputs.sum(axis=(1, 2))[:, None] * np.arange(1, LABELS + 1)


def _view(address: int, shape: tuple[int, ...]) -> np.ndarray:
    buffer = (ctypes.c_float * int(np.prod(shape))).from_address(address)
    return np.ctypeslib.as_array(buffer).reshape(shape)


class FakeEngine:
    """A plan for batches up to `max_batch`."""

    def __init__(self, max_batch: int = 6, labels: int = LABELS) -> None:
        self.device_memory_size_v2 = 1_000
        self.num_io_tensors = 2
        self.num_optimization_profiles = 1 if max_batch == 1 else 2
        self.max_batch = max_batch
        self.labels = labels
        self.fails = self.refuses = False
        self.contexts = 0

    @property
    def stream(self) -> FakeStream:
        return FakeStream.made[-1]

    def get_tensor_name(self, index: int) -> str:
        return ("fbank", "logits")[index]

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType.FLOAT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return (-1, FRAMES, MELS) if name == "fbank" else (-1, self.labels)

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        high = 1 if profile == 0 else self.max_batch
        return [(1, FRAMES, MELS), (high, FRAMES, MELS), (high, FRAMES, MELS)]

    def create_execution_context(self, strategy: object) -> FakeContext:
        self.contexts += 1
        return FakeContext(self)


class FakeLibrary:
    """engine.plans.libraries.Library of the classic kind."""

    name = "tensorrt"
    is_rtx = False

    def __init__(self, engine: FakeEngine | None) -> None:
        messages = self.messages = ["Magic tag does not match"]
        self.module = SimpleNamespace(
            DataType=DataType,
            ExecutionContextAllocationStrategy=SimpleNamespace(USER_MANAGED=2),
            Runtime=lambda logger: SimpleNamespace(deserialize_cuda_engine=lambda plan: engine),
        )
        self._messages = messages

    def logger(self, messages: list[str]) -> object:
        messages += self._messages
        return object()
