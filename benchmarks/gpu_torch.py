"""torch's side of the GPU benchmark: the model as it is, compiled, and what the GPU can do."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from engine.types import Float32

_COPY_BYTES = 4 << 30
_PRODUCT = 8192
_REPEATS = 20
_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What this GPU did in this run.

    Attributes:
        precision: Of the products.
        bytes_per_s: Of a copy within its memory, read and written bytes together.
        flop_per_s: Of a large matrix product on random numbers.
    """

    precision: str
    bytes_per_s: float
    flop_per_s: float

    def least_ms(self, weight_bytes: int, flop: float) -> float:
        """No program runs faster: it reads all weights and does all operations."""
        return 1000 * max(weight_bytes / self.bytes_per_s, flop / self.flop_per_s)

    def text(self) -> str:
        """One line."""
        return (
            f"limits measured in this run: {self.bytes_per_s / 1e12:.2f} TB/s copied, "
            f"{self.flop_per_s / 1e12:.0f} TFLOP/s of a {self.precision} product"
        )


def measure_limits(precision: str) -> Limits:
    """Copy and multiply large tensors; the median of several repeats."""
    return Limits(
        precision=precision,
        bytes_per_s=_COPY_BYTES / _copy_ms() * 1000,
        flop_per_s=2 * _PRODUCT**3 / _product_ms(_DTYPES[precision]) * 1000,
    )


def _copy_ms() -> float:
    source = torch.ones(_COPY_BYTES // 2, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return _median_ms(lambda: target.copy_(source))


def _product_ms(dtype: torch.dtype) -> float:
    generator = torch.Generator("cuda").manual_seed(0)
    shape = (_PRODUCT, _PRODUCT)
    left = torch.randn(shape, generator=generator, device="cuda").to(dtype)
    right = torch.randn(shape, generator=generator, device="cuda").to(dtype)
    return _median_ms(lambda: left @ right)


def _median_ms(work: Callable[[], object]) -> float:
    return float(np.median([_gpu_ms(work) for _ in range(_REPEATS)][3:]))


def _gpu_ms(work: Callable[[], object]) -> float:
    first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    first.record()
    work()
    last.record()
    last.synchronize()
    return float(first.elapsed_time(last))


class EagerTorch:
    """The module as it is, from and to pinned memory.

    Args:
        module: On the CPU, in its precision.
        precision: For what is computed on the way.
    """

    name = "torch"

    def __init__(self, module: nn.Module, precision: str) -> None:
        self._module = deepcopy(module)
        self._pinned: dict[int, tuple[Tensor, Tensor]] = {}

    def __enter__(self) -> Self:
        """Move it to the GPU."""
        self._module.cuda().eval()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Free its memory."""
        del self._module
        self._pinned.clear()

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits of model inputs."""
        source = torch.from_numpy(model_inputs)
        host, device = self._buffers(source)
        host.copy_(source)
        device.copy_(host, non_blocking=True)
        logits: Float32 = self._run(device).cpu().numpy()
        return logits

    def _run(self, device: Tensor) -> Tensor:
        logits: Tensor = self._module(device)
        return logits

    def _buffers(self, source: Tensor) -> tuple[Tensor, Tensor]:
        batch = len(source)
        if batch not in self._pinned:
            self._pinned[batch] = (
                torch.empty_like(source).pin_memory(),
                torch.empty_like(source, device="cuda"),
            )
        return self._pinned[batch]


class CompiledTorch(EagerTorch):
    """torch.compile, and a CUDA graph of it for each size of batch."""

    name = "compile"

    def __enter__(self) -> Self:
        """Move it to the GPU and compile it; the first call of each size does the work."""
        super().__enter__()
        self._compiled = torch.compile(self._module, dynamic=True)
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor]] = {}
        self._last = 0
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Free its memory."""
        self._graphs.clear()
        del self._compiled
        super().__exit__()

    def device_ms(self, repeats: int) -> float:
        """Milliseconds on the GPU of the size that ran last."""
        graph, _ = self._graphs[self._last]
        torch.cuda.synchronize()

        def work() -> None:
            for _ in range(repeats):
                graph.replay()

        return _gpu_ms(work) / repeats

    def _run(self, device: Tensor) -> Tensor:
        self._last = len(device)
        if len(device) not in self._graphs:
            self._graphs[len(device)] = self._capture(device)
        graph, logits = self._graphs[len(device)]
        graph.replay()
        return logits

    def _capture(self, device: Tensor) -> tuple[torch.cuda.CUDAGraph, Tensor]:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self._compiled(device)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            logits: Tensor = self._compiled(device)
        return graph, logits
