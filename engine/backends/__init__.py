"""Programs that turn model inputs into logits, behind one protocol."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Protocol, Self

from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.types import Float32


class Backend(Protocol):
    """Scores model inputs. Entered, used and left on one thread."""

    @property
    def name(self) -> str:
        """Name as in --backend."""

    def __enter__(self) -> Self:
        """Load the model; raises BackendError or ModelError."""

    def __exit__(self, *exc_info: object) -> None:
        """Free it."""

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""


@dataclass(frozen=True, kw_only=True)
class ChosenBackend:
    """A backend and how it came to be chosen.

    Attributes:
        backend: Ready to be entered.
        reason: Why this one, and why not the faster ones.
    """

    backend: Backend
    reason: str


# Fastest first; each is imported only when tried. This is the only place that imports by name.
_REGISTRY = {
    "tensorrt": "engine.backends.tensorrt:TensorRtBackend",
    "tensorrt_rtx": "engine.backends.tensorrt:TensorRtRtxBackend",
    "cuda": "engine.backends.onnxruntime:CudaBackend",
    "cpu": "engine.backends.onnxruntime:CpuBackend",
}
BACKEND_NAMES = tuple(_REGISTRY)


def choose_backend(name: str, manifest: ModelManifest) -> ChosenBackend:
    """Find the backend to use.

    Args:
        name: "auto", or one of BACKEND_NAMES, which is then strict.
        manifest: The model.

    Raises:
        BackendError: The named backend is not in this version or not available here.
    """
    if name == "auto":
        refused = []
        for candidate in BACKEND_NAMES:
            try:
                backend = _create(candidate, manifest)
            except BackendError as err:
                refused.append(f"not {candidate}: {err}")
                continue
            return ChosenBackend(backend=backend, reason="; ".join(refused) or "fastest")
        raise BackendError("no backend is available: " + "; ".join(refused))
    if name not in _REGISTRY:
        raise BackendError(
            f"backend {name!r} is not in this version; choose auto, {', '.join(BACKEND_NAMES)}"
        )
    return ChosenBackend(backend=_create(name, manifest), reason="asked for")


def _create(name: str, manifest: ModelManifest) -> Backend:
    module_name, class_name = _REGISTRY[name].split(":")
    backend: Backend = getattr(importlib.import_module(module_name), class_name)(manifest)
    return backend
