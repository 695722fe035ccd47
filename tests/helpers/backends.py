"""Backends that are steered by a test."""

import threading
from collections.abc import Callable
from typing import Self

import numpy as np

from engine.errors import BackendError
from engine.types import Float32


class FakeBackend:
    """Gives its own number for logits, and fails when it is told to."""

    def __init__(self, name: str, number: float = 0.0) -> None:
        self.name = name
        self.number = number
        self.entered = 0
        self.refuses: Exception | None = None
        self.fails: Exception | None = None

    def __enter__(self) -> Self:
        if self.refuses is not None:
            raise self.refuses
        self.entered += 1
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.entered -= 1

    def infer(self, model_inputs: Float32) -> Float32:
        assert self.entered == 1, f"{self.name} is used while it is entered {self.entered} times"
        if self.fails is not None:
            raise self.fails
        return np.full((len(model_inputs), 4), self.number, np.float32)


class BuildingBackend(FakeBackend):
    """Is entered when `finish` is set, as one that builds a plan."""

    def __init__(self, name: str, number: float = 0.0) -> None:
        super().__init__(name, number)
        self.finish = threading.Event()
        self.prepared = False
        self.go_on: Callable[[float], bool] = lambda share: True

    def is_prepared(self) -> bool:
        return self.prepared

    def __enter__(self) -> Self:
        from engine.plans.compile import BuildCanceledError

        while not self.prepared and not self.finish.wait(0.01):
            if not self.go_on(0.5):
                raise BuildCanceledError("the build was canceled")
        return super().__enter__()


class GpuError(BackendError):
    """As CUDA fails."""
