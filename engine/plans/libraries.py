"""The two libraries that build and run plans, behind one interface of the same names."""

from __future__ import annotations

import importlib
import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

from engine.errors import BackendError

# Backend to module. TensorRT for RTX installs from PyPI; the classic one from NVIDIA's own index.
MODULES = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt_rtx"}
_OLDEST_CLASSIC = (10, 12)  # the first that takes strongly typed networks alone

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Library:
    """An imported library.

    Attributes:
        name: As in --backend.
        module: The Python module.
    """

    name: str
    module: Any

    @property
    def version(self) -> str:
        """Exact version; plans of another one are not read."""
        return str(self.module.__version__)

    @property
    def is_rtx(self) -> bool:
        """Whether it is TensorRT for RTX, which compiles kernels where a plan first runs."""
        return self.name == "tensorrt_rtx"

    def logger(self, messages: list[str]) -> Any:
        """A logger of the library that collects errors, newest last."""
        trt = self.module

        class _Collects(trt.ILogger):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                trt.ILogger.__init__(self)

            def log(self, severity: Any, message: str) -> None:
                if severity <= trt.ILogger.Severity.ERROR:
                    del messages[:-9]
                    messages.append(message)
                _log.debug("%s: %s", trt.__name__, message)

        return _Collects()

    def require_capability(self, capability: str, gpu: str) -> None:
        """Refuse a GPU that the library names no code for.

        TensorRT for RTX builds plans for Hopper (9.0) and then does not load them: measured on an
        H100 with 1.7.1 (docs/measurements.md). Newer GPUs than it knows compile what they need.

        Args:
            capability: Of the GPU, such as "8.9".
            gpu: Its name.

        Raises:
            BackendError: The library does not run there.
        """
        if not self.is_rtx:
            return
        names = [name[2:] for name in self.module.ComputeCapability.__members__ if "SM" in name]
        known = [f"{name[:-1]}.{name[-1]}" for name in names]
        newest = max(_numbers(text) for text in known)
        if capability not in known and _numbers(capability) < newest:
            raise BackendError(
                f"TensorRT for RTX {self.version} does not run on {gpu}, whose compute capability "
                f"is {capability}; it names {', '.join(known)}"
            )


def require_installed(name: str) -> None:
    """Look for a library without loading it; raises BackendError."""
    if importlib.util.find_spec(MODULES[name]) is None:
        raise BackendError(f"{MODULES[name]} is not installed; {_how(name)}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def find_library(name: str) -> Library:
    """Import a library.

    Args:
        name: One of MODULES.

    Raises:
        BackendError: It is not installed, does not load here, or is too old.
    """
    require_installed(name)
    module_name = MODULES[name]
    try:
        module = importlib.import_module(module_name)
    except Exception as err:  # a shared library that does not load raises several kinds
        raise BackendError(f"{module_name} does not load: {err}; {_how(name)}") from err
    library = Library(name, module)
    if name == "tensorrt" and _numbers(library.version)[:2] < _OLDEST_CLASSIC:
        raise BackendError(f"TensorRT {library.version} is too old; 10.12 or later is needed")
    return library


def _how(name: str) -> str:
    if name == "tensorrt_rtx":
        return "pip install '.[tensorrt]'"
    return "docs/gpu.md says how"
