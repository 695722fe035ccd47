"""Programs that turn model inputs into logits, behind one protocol."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.backends.ladder import Ladder
from engine.backends.protocol import Backend
from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.plans.compile import BuildCanceledError

__all__ = [
    "BACKEND_NAMES",
    "Backend",
    "BuildCanceledError",
    "ChosenBackend",
    "choose_backend",
    "why_not",
]


@dataclass(frozen=True, kw_only=True)
class ChosenBackend:
    """A backend and how it came to be chosen.

    Attributes:
        backend: Ready to be entered.
        reason: Why this one, and why not the faster ones, as far as it is known before.
    """

    backend: Backend
    reason: str
    _canceled: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Give up a plan that is being built; entering raises BuildCanceledError then."""
        self._canceled.set()

    @property
    def building(self) -> tuple[str, float] | None:
        """Who builds a plan beside the scoring, and the share of it that is done."""
        return self.backend.building if isinstance(self.backend, Ladder) else None

    @property
    def reason_now(self) -> str:
        """The same, as far as it is known by now."""
        return self.backend.reason if isinstance(self.backend, Ladder) else self.reason


# Fastest first; each is imported only when tried. This is the only place that imports by name.
_REGISTRY = {
    "tensorrt": "engine.backends.tensorrt:TensorRtBackend",
    "tensorrt_rtx": "engine.backends.tensorrt:TensorRtRtxBackend",
    "cuda": "engine.backends.onnxruntime:CudaBackend",
    "cpu": "engine.backends.onnxruntime:CpuBackend",
}
BACKEND_NAMES = tuple(_REGISTRY)
_CPU = BACKEND_NAMES[-1]

# A CUDA error stays for as long as the process lives: nothing on the GPU works any more.
_gpu_failure: list[str] = []


def choose_backend(
    name: str,
    manifest: ModelManifest,
    *,
    live: bool = False,
    on_build: Callable[[str, float], None] = lambda name, share: None,
) -> ChosenBackend:
    """Find the backend to use.

    Args:
        name: "auto", or one of BACKEND_NAMES, which is then strict: entering it works or fails.
        manifest: The model.
        live: Whether a stream that can't wait is scored. A lower backend then scores while a plan
            is built, and the CPU when a GPU fails.
        on_build: Told who builds a plan and the share that is done, ten times a second.

    Raises:
        BackendError: The named backend is not in this version or not available here.
    """
    canceled = threading.Event()

    def create(rung: str) -> Backend:
        backend = _create(rung, manifest)
        if hasattr(backend, "go_on"):
            backend.go_on = _watch(rung, on_build, canceled)
        return backend

    if name == "auto":
        return _best(create, live=live, canceled=canceled)
    if name not in _REGISTRY:
        raise BackendError(
            f"backend {name!r} is not in this version; choose auto, {', '.join(BACKEND_NAMES)}"
        )
    backend = create(name)
    if live and name != _CPU:
        rungs = [backend, create(_CPU)]
        backend = Ladder(rungs, live=False, strict=True, on_failure=_gpu_failure.append)
    return ChosenBackend(backend=backend, reason="asked for", _canceled=canceled)


def why_not(name: str, manifest: ModelManifest) -> str:
    """What keeps a backend from being used here, as far as it is known without loading it."""
    try:
        choose_backend(name, manifest)
    except BackendError as err:
        return str(err)
    return ""


def _watch(
    name: str, on_build: Callable[[str, float], None], canceled: threading.Event
) -> Callable[[float], bool]:
    def go_on(share: float) -> bool:
        on_build(name, share)
        return not canceled.is_set()

    return go_on


def _best(
    create: Callable[[str], Backend], *, live: bool, canceled: threading.Event
) -> ChosenBackend:
    rungs, skipped = [], []
    for candidate in BACKEND_NAMES:
        try:
            rungs.append(create(candidate))
        except BackendError as err:
            skipped.append(f"not {candidate}: {err}")
    if not rungs:
        raise BackendError("no backend is available: " + "; ".join(skipped))
    reason = "; ".join(skipped) or "fastest"
    if len(rungs) == 1:
        return ChosenBackend(backend=rungs[0], reason=reason, _canceled=canceled)
    ladder = Ladder(rungs, skipped, live=live, on_failure=_gpu_failure.append)
    return ChosenBackend(backend=ladder, reason=reason, _canceled=canceled)


def _create(name: str, manifest: ModelManifest) -> Backend:
    if _gpu_failure and name != _CPU:
        raise BackendError(f"{_gpu_failure[0]}; only a new start of the program mends that")
    module_name, class_name = _REGISTRY[name].split(":")
    backend: Backend = getattr(importlib.import_module(module_name), class_name)(manifest)
    return backend
