"""Attention rollout of single windows, on a thread of its own."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from engine.manifest import ModelManifest
from engine.memory_limit import bounded_memory
from engine.model_file import read_model_file
from engine.types import Float32

ROLLOUT_FILE = "rollout.onnx"
_INPUT, _OUTPUT = "fbank", "rollout"


class Attention(QObject):
    """Computes what was asked for last; what was overtaken is left out.

    Attributes:
        ready: The sample that was asked about, the weights, shape [n_mels, n_frames], 0 to 1 (or
            None), and why there are none.
    """

    ready = Signal(int, object, str)

    def __init__(self, manifest: ModelManifest, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._manifest = manifest
        self._is_there = ROLLOUT_FILE in manifest.files
        self._asked: tuple[int, Float32] | None = None
        self._lock = threading.Lock()
        self._session: Any = None
        self._thread: threading.Thread | None = None

    @property
    def is_there(self) -> bool:
        """Whether the model folder has a rollout."""
        return self._is_there

    def ask(self, end_sample: int, features: Float32) -> None:
        """Ask for the rollout of a window.

        Args:
            end_sample: Comes back with the answer.
            features: What the model saw, shape [target_frames, n_mels].
        """
        if not self._is_there:
            return
        with self._lock:
            self._asked = (end_sample, features)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="attention", daemon=True)
                self._thread.start()

    def retire(self) -> None:
        """Answer nothing more and end; what is being computed is thrown away."""
        self.ready.disconnect()
        with self._lock:
            self._asked = None
            self._is_there = False
        # A thread that still emits needs its object: who lets go of it last deletes it, and PyQt
        # sees to it that this happens on the thread that made it.
        self.setParent(None)

    def join(self, timeout_s: float) -> None:
        """Wait for what is being computed."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._lock:
                asked, self._asked = self._asked, None
                if asked is None:
                    self._thread = None
                    return
            try:
                weights = self._compute(asked[1])
            except Exception as err:  # noqa: BLE001  ONNX Runtime raises many kinds
                self.ready.emit(asked[0], None, f"{ROLLOUT_FILE} cannot be used: {err}")
                continue
            self.ready.emit(asked[0], weights, "")

    def _compute(self, features: Float32) -> Float32:
        fed = {_INPUT: features[None]}
        if self._session is None:
            import onnxruntime

            content = read_model_file(self._manifest, ROLLOUT_FILE)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            options.log_severity_level = 4
            with bounded_memory(len(content)):
                session = onnxruntime.InferenceSession(content, options)
                session.run([_OUTPUT], fed)
            session._model_bytes = None  # kept for falling back to another provider
            self._session = session
        (rollout,) = self._session.run([_OUTPUT], fed)
        spread = rollout[0] - rollout[0].min()
        weights: Float32 = (spread / max(float(spread.max()), 1e-12)).astype(np.float32)
        return weights
