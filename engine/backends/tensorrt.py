"""TensorRT, and TensorRT for RTX: a plan built on this machine, run on its GPU."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar, Self

from engine.backends.plan_runner import PlanRunner, bucket_sizes
from engine.backends.self_test import check_against, expected_logits, self_test_inputs
from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.plans.build import MAX_BATCH, build, identity_of, plans_folder
from engine.plans.cache import Identity, PlanCache, StoredPlan
from engine.plans.device import find_gpu
from engine.plans.libraries import find_library, require_installed
from engine.plans.onnx_file import OnnxFile, read_onnx
from engine.types import Float32

_log = logging.getLogger(__name__)


class TensorRtBackend:
    """A model as a plan.

    Entering it reads the plan from the cache or has it built, loads it, and compares it with ONNX
    Runtime. That takes seconds, so it may be entered on another thread than it is used on; it is
    used on one thread at a time.

    Args:
        manifest: The model.
        max_batch: Largest batch that runs at once; longer ones run in pieces.
        cache: Keeps plans; the user's own if None.
        go_on: Told the share of a build that is done; False cancels it.

    Raises:
        BackendError: The library or the GPU is not here.
    """

    name: ClassVar[str] = "tensorrt"

    def __init__(
        self,
        manifest: ModelManifest,
        *,
        max_batch: int = MAX_BATCH,
        cache: PlanCache | None = None,
        go_on: Callable[[float], bool] = lambda _: True,
    ) -> None:
        self._manifest = manifest
        self._max_batch = max_batch
        self.go_on = go_on
        # What is quick to find out first: the library fills 250 MB.
        require_installed(self.name)
        self._gpu = find_gpu()
        self._library = find_library(self.name)
        self._library.require_capability(self._gpu.capability, self._gpu.name)
        self._cache = cache or PlanCache(plans_folder())
        self._onnx_file: OnnxFile | None = None
        self._runner: PlanRunner | None = None
        self.self_test_difference = 0.0

    @property
    def runner(self) -> PlanRunner:
        """What runs the plan, while the backend is entered."""
        if self._runner is None:
            raise BackendError(f"{self.name} is not loaded")
        return self._runner

    def __enter__(self) -> Self:
        """Build if need be, load and test; raises BackendError or ModelError."""
        onnx_file = self._read()
        self._onnx_file = None  # as large as the model
        identity = self._identity(onnx_file)
        stored = self._cache.read(identity) or build(
            self._cache, identity, self._manifest, go_on=self.go_on
        )
        runner = self._load(stored)
        try:
            self._test(runner, onnx_file)
            self._keep_kernels(identity, runner)
        except BaseException:
            runner.__exit__()
            raise
        self._runner = runner
        return self

    def is_prepared(self) -> bool:
        """Whether the plan is there; raises BackendError or ModelError."""
        return self._cache.read(self._identity(self._read())) is not None

    def __exit__(self, *exc_info: object) -> None:
        """Free the GPU's memory."""
        if self._runner is not None:
            self._runner.__exit__()
        self._runner = None

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""
        return self.runner.infer(model_inputs)

    def _read(self) -> OnnxFile:
        if self._onnx_file is None:
            self._onnx_file = read_onnx(self._manifest)
        return self._onnx_file

    def _keep_kernels(self, identity: Identity, runner: PlanRunner) -> None:
        """Save the next start some seconds; a full disk costs no more than those."""
        try:
            self._cache.write_kernels(identity, runner.kernels())
        except BackendError as err:
            _log.warning("%s compiles its kernels again next time: %s", self.name, err)

    def _identity(self, onnx_file: OnnxFile) -> Identity:
        return identity_of(
            self._library, self._gpu, self._manifest, onnx_file.precision, self._max_batch
        )

    def _load(self, stored: StoredPlan) -> PlanRunner:
        fbank = self._manifest.fbank
        runner = PlanRunner(
            self._library,
            stored.plan,
            (fbank.target_frames, fbank.n_mels),
            len(self._manifest.labels),
            kernels=stored.kernels,
        )
        return runner.__enter__()

    def _test(self, runner: PlanRunner, onnx_file: OnnxFile) -> None:
        """Every size of batch against ONNX Runtime, which also sets each of them up."""
        inputs = self_test_inputs(self._manifest)
        expected = expected_logits(self._manifest, onnx_file.wide)
        for size in bucket_sizes(min(runner.max_batch, len(inputs))):
            found = runner.infer(inputs[:size])
            difference = check_against(expected[:size], found, onnx_file.precision, self.name)
            self.self_test_difference = max(self.self_test_difference, difference)
        if runner.graph_refused:
            _log.warning("%s runs without CUDA graphs: %s", self.name, runner.graph_refused)


class TensorRtRtxBackend(TensorRtBackend):
    """TensorRT for RTX: its wheels install from PyPI, and it compiles kernels where it runs."""

    name = "tensorrt_rtx"
