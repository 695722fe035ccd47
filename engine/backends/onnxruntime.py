"""ONNX Runtime on the CPU, or on a GPU through its CUDA provider."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from typing import Any, ClassVar, Self

import numpy as np

from engine.errors import BackendError, ModelError
from engine.manifest import ModelManifest
from engine.memory_limit import bounded_memory
from engine.model_file import read_model_file
from engine.types import Float32

INPUT_NAME = "fbank"
OUTPUT_NAME = "logits"


class CpuBackend:
    """ONNX Runtime's CPU provider.

    One window is too little work to share between cores, and spinning threads take a whole core
    from everything else on the machine (docs/measurements.md), so: one thread, no spinning.

    Args:
        manifest: The model.
        model: What is loaded in place of its ONNX file: the same model, in other types.
    """

    name = "cpu"
    _provider: ClassVar[str] = "CPUExecutionProvider"

    def __init__(self, manifest: ModelManifest, model: bytes = b"") -> None:
        self._manifest = manifest
        self._model = model
        self._session: Any = None
        import onnxruntime

        available = onnxruntime.get_available_providers()
        if self._provider not in available:
            raise BackendError(
                f"ONNX Runtime {onnxruntime.__version__} has no {self._provider}; docs/gpu.md says "
                "how to install one that has"
            )

    def __enter__(self) -> Self:
        """Load the model and check that it fits its manifest."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # failures are raised and reported by us
        content = self._model or read_model_file(self._manifest)
        with self._bounded(len(content)):
            self._load(content, options)
            self._check_shapes()
            self._check_logits()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Free the session."""
        self._session = None

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""
        try:
            (logits,) = self._session.run([OUTPUT_NAME], {INPUT_NAME: model_inputs})
        except Exception as err:
            raise BackendError(f"ONNX Runtime failed: {_first_line(err)}") from err
        result: Float32 = logits
        return result

    def _providers(self) -> list[Any]:
        return [self._provider]

    def _bounded(self, model_bytes: int) -> AbstractContextManager[None]:
        return bounded_memory(model_bytes)

    def _load(self, content: bytes, options: Any) -> None:
        import onnxruntime

        try:
            self._session = onnxruntime.InferenceSession(
                content, options, providers=self._providers()
            )
        except Exception as err:  # ONNX Runtime raises many kinds for a bad model
            path = self._manifest.model_path
            raise ModelError(f"{path} cannot be loaded: {_first_line(err)}") from err
        # Python's side keeps the file for falling back to another provider, which is refused.
        self._session._model_bytes = None
        got = self._session.get_providers()[0]
        if got != self._provider:  # ONNX Runtime falls back without an error
            raise BackendError(f"asked ONNX Runtime for {self._provider}, got {got}")

    def _check_shapes(self) -> None:
        path = self._manifest.model_path
        fbank = self._manifest.fbank
        inputs = [(x.name, x.type, x.shape[1:]) for x in self._session.get_inputs()]
        outputs = [(x.name, x.type, x.shape[1:]) for x in self._session.get_outputs()]
        wanted_in = [(INPUT_NAME, "tensor(float)", [fbank.target_frames, fbank.n_mels])]
        wanted_out = [(OUTPUT_NAME, "tensor(float)", [len(self._manifest.labels)])]
        for found, wanted in ((inputs, wanted_in), (outputs, wanted_out)):
            if found != wanted:
                raise ModelError(
                    f"{path} has {_tensors(found)}; its manifest wants {_tensors(wanted)}"
                )

    def _check_logits(self) -> None:
        """One window: a model may state shapes that fit, and do other things when it runs."""
        path = self._manifest.model_path
        fbank = self._manifest.fbank
        probe = np.zeros((1, fbank.target_frames, fbank.n_mels), np.float32)
        try:
            logits = self.infer(probe)
        except BackendError as err:
            raise ModelError(f"{path} cannot score a window: {err}") from err
        wanted = (1, len(self._manifest.labels))
        if logits.shape != wanted:
            raise ModelError(f"{path} gives logits of shape {logits.shape}, not {wanted}")
        if not np.isfinite(logits).all():
            raise ModelError(f"{path} gives logits that are not finite")


class CudaBackend(CpuBackend):
    """ONNX Runtime's CUDA provider; refused where it is not truly there."""

    name = "cuda"
    _provider: ClassVar[str] = "CUDAExecutionProvider"

    def _bounded(self, model_bytes: int) -> AbstractContextManager[None]:
        # CUDA maps more memory than the machine has; the GPU's own runs out with an error.
        return nullcontext()

    def _providers(self) -> list[Any]:
        import onnxruntime

        # CUDA's libraries lie in packages of their own, where the loader does not look.
        if hasattr(onnxruntime, "preload_dlls"):
            with redirect_stdout(sys.stderr):  # it prints what it does not find
                onnxruntime.preload_dlls()
        return [(self._provider, {"use_tf32": 0})]  # float32 in the model means float32


def _tensors(found: list[tuple[str, str, list[Any]]]) -> str:
    return ", ".join(f"{name} {kind} [batch, {', '.join(map(str, s))}]" for name, kind, s in found)


def _first_line(err: Exception) -> str:
    return str(err).strip().splitlines()[0][:300] if str(err).strip() else type(err).__name__
