"""Runs a plan: buffers allocated once, one CUDA graph for each size of batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from engine.backends.cuda import CudaStream
from engine.backends.onnxruntime import INPUT_NAME, OUTPUT_NAME
from engine.errors import BackendError
from engine.plans.compile import profile_of
from engine.plans.libraries import Library
from engine.types import Float32

_ROW_BYTES = 4  # of a float32


def bucket_sizes(max_batch: int) -> list[int]:
    """Sizes of batches that have a graph: powers of two, and the largest batch."""
    powers = [1 << i for i in range(max_batch.bit_length()) if 1 << i <= max_batch]
    return sorted({*powers, max_batch})


class PlanRunner:
    """A loaded plan.

    Args:
        library: Runs it; of the exact version that built it.
        plan: Its bytes, verified by the caller: a plan is native code.
        model_input: Shape of one input, (frames, mels).
        n_labels: Length of one output.
        kernels: What `kernels` gave in an earlier process, or nothing.
    """

    def __init__(
        self,
        library: Library,
        plan: bytes,
        model_input: tuple[int, int],
        n_labels: int,
        *,
        kernels: bytes = b"",
    ) -> None:
        self._library = library
        self._plan = plan
        self._input_shape = model_input
        self._n_labels = n_labels
        self._stored_kernels = kernels
        self._messages: list[str] = []
        self._launches: dict[int, Callable[[], None]] = {}
        self._contexts: list[Any] = []
        self._kernel_cache: Any = None
        self._run_options: Any = None
        self._engine: Any = None
        self._runtime: Any = None
        self.max_batch = 0
        self.graph_refused = ""

    def __enter__(self) -> Self:
        """Load the plan and check that it is the one that is wanted; raises BackendError."""
        self._stream = CudaStream()
        self._stream.__enter__()
        try:
            self._load()
            self._allocate()
        except BaseException:
            self.__exit__()
            raise
        self._plan = b""  # the library has its own copy
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Free everything, contexts first."""
        self._launches.clear()
        self._contexts.clear()
        self._kernel_cache = self._run_options = self._engine = self._runtime = None
        self._stream.__exit__()

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels], of any length."""
        logits = np.empty((len(model_inputs), self._n_labels), np.float32)
        for first in range(0, len(model_inputs), self.max_batch):
            part = model_inputs[first : first + self.max_batch]
            bucket = next(size for size in bucket_sizes(self.max_batch) if size >= len(part))
            self._host_in[: len(part)] = part  # rows after these hold what was there: finite
            self.launch(bucket)
            self._stream.synchronize()
            logits[first : first + len(part)] = self._host_out[: len(part)]
        return logits

    def launch(self, bucket: int) -> None:
        """Queue copies and network for a size of batch; prepared at the first call."""
        if bucket not in self._launches:
            self._launches[bucket] = self._prepare(bucket)
        self._launches[bucket]()

    def device_ms(self, bucket: int, repeats: int) -> float:
        """Milliseconds on the GPU for a size of batch, copies included, repeated in a row."""
        self.launch(bucket)
        return self._stream.time_ms(self._launches[bucket], repeats)

    def kernels(self) -> bytes:
        """What was compiled for this GPU so far; nothing where the plan holds it already."""
        return b"" if self._kernel_cache is None else bytes(self._kernel_cache.serialize())

    def _load(self) -> None:
        trt = self._library.module
        self._logger = self._library.logger(self._messages)
        self._runtime = trt.Runtime(self._logger)
        self._runtime.engine_host_code_allowed = False
        self._engine = self._runtime.deserialize_cuda_engine(self._plan)
        if self._engine is None:  # raises nothing by itself
            raise BackendError(f"{self._library.name} refuses the plan: {self._said('no reason')}")
        self._check_tensors()
        self._run_options = self._options()

    def _said(self, otherwise: str) -> str:
        return self._messages[-1].strip()[:300] if self._messages else otherwise

    def _check_tensors(self) -> None:
        trt, engine = self._library.module, self._engine
        names = [engine.get_tensor_name(i) for i in range(engine.num_io_tensors)]
        found = {
            name: (engine.get_tensor_dtype(name), tuple(engine.get_tensor_shape(name))[1:])
            for name in names
        }
        wanted = {
            INPUT_NAME: (trt.DataType.FLOAT, self._input_shape),
            OUTPUT_NAME: (trt.DataType.FLOAT, (self._n_labels,)),
        }
        if found != wanted:
            raise BackendError(f"the plan has {found}; its model wants {wanted}")
        last = engine.num_optimization_profiles - 1
        self.max_batch = int(engine.get_tensor_profile_shape(INPUT_NAME, last)[2][0])

    def _options(self) -> Any:
        """How contexts run; TensorRT for RTX compiles kernels for exactly the shapes that come."""
        trt = self._library.module
        if not self._library.is_rtx:
            return None
        options = self._engine.create_runtime_config()
        options.set_execution_context_allocation_strategy(
            trt.ExecutionContextAllocationStrategy.USER_MANAGED
        )
        strategies = trt.DynamicShapesKernelSpecializationStrategy
        options.dynamic_shapes_kernel_specialization_strategy = strategies.EAGER
        self._kernel_cache = options.create_runtime_cache()
        if self._stored_kernels:
            self._kernel_cache.deserialize(self._stored_kernels)
        options.set_runtime_cache(self._kernel_cache)
        return options

    def _allocate(self) -> None:
        stream = self._stream
        self._host_in = stream.pinned_array((self.max_batch, *self._input_shape))
        self._host_out = stream.pinned_array((self.max_batch, self._n_labels))
        self._device_in = stream.device_memory(self._host_in.nbytes)
        self._device_out = stream.device_memory(self._host_out.nbytes)
        # Shared by all contexts: they run on one stream, one after the other.
        self._scratch_bytes = max(256, int(self._engine.device_memory_size_v2))
        self._scratch = stream.device_memory(self._scratch_bytes)

    def _prepare(self, bucket: int) -> Callable[[], None]:
        """Queue a batch once or twice, as libraries set themselves up, then record it."""
        context = self._context(bucket)
        stream = self._stream
        in_bytes = _ROW_BYTES * bucket * int(np.prod(self._input_shape))
        out_bytes = _ROW_BYTES * bucket * self._n_labels

        def queue() -> None:
            stream.copy_in(self._device_in, self._host_in, in_bytes)
            if not context.execute_async_v3(stream.handle):
                raise BackendError(f"the plan does not run: {self._said('no reason given')}")
            stream.copy_out(self._host_out, self._device_out, out_bytes)

        for _ in range(2):
            queue()
            stream.synchronize()
        try:
            launch = stream.capture(queue)
            launch()
            stream.synchronize()
        except BackendError as err:
            self.graph_refused = str(err)
            queue()
            stream.synchronize()
            return queue
        return launch

    def _context(self, bucket: int) -> Any:
        """A context for one shape: a graph holds on to its shapes and addresses."""
        trt, engine = self._library.module, self._engine
        if self._run_options is not None:
            context = engine.create_execution_context(self._run_options)
        else:
            context = engine.create_execution_context(
                trt.ExecutionContextAllocationStrategy.USER_MANAGED
            )
        if context is None:
            raise BackendError(f"no context for the plan: {self._said('no reason given')}")
        self._contexts.append(context)
        profile = min(profile_of(bucket), engine.num_optimization_profiles - 1)
        context.set_device_memory(self._scratch, self._scratch_bytes)
        accepted = (
            context.set_optimization_profile_async(profile, self._stream.handle)
            and context.set_input_shape(INPUT_NAME, (bucket, *self._input_shape))
            and context.set_tensor_address(INPUT_NAME, self._device_in)
            and context.set_tensor_address(OUTPUT_NAME, self._device_out)
        )
        if not accepted:
            raise BackendError(
                f"the plan takes no batch of {bucket}: {self._said('no reason given')}"
            )
        return context
