"""Compiles an ONNX file into a plan. Runs in a process of its own (engine/plans/child.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.errors import BackendError
from engine.plans.libraries import Library

_WORKSPACE_BYTES = 2 << 30


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """A plan and what was said while it was made.

    Attributes:
        plan: Its bytes.
        fused_attentions: Attention blocks that became one kernel.
    """

    plan: bytes
    fused_attentions: int


class BuildCanceledError(BackendError):
    """Whoever asked for a plan does not want it any more."""


def compile_plan(
    library: Library,
    model: bytes,
    *,
    max_batch: int,
    go_on: Callable[[float], bool] = lambda _: True,
) -> Compiled:
    """Compile a model.

    The network is strongly typed: it computes in the types that the ONNX names. One profile is for
    single windows, where latency counts, and another one for batches of up to `max_batch`.

    Args:
        library: Builds it.
        model: Content of the ONNX file, one input [batch, ...].
        max_batch: Largest batch.
        go_on: Told the share that is done, 0 to 1; False cancels.

    Raises:
        BuildCanceledError: It was canceled.
        BackendError: The library refuses the model.
    """
    trt = library.module
    messages: list[str] = []
    fusions = _Fusions()
    logger = _logger(library, messages, fusions)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        reasons = "; ".join(parser.get_error(i).desc() for i in range(parser.num_errors))
        raise BackendError(f"{library.name} cannot read the model: {reasons[:500]}")
    if network.num_inputs != 1:
        raise BackendError(
            f"{library.name} cannot read the model: it has {network.num_inputs} inputs, not one"
        )
    config = _configuration(library, builder)
    for low, best, high in _shapes(max_batch):
        model_input = network.get_input(0)
        rest = tuple(model_input.shape)[1:]
        profile = builder.create_optimization_profile()
        profile.set_shape(model_input.name, (low, *rest), (best, *rest), (high, *rest))
        config.add_optimization_profile(profile)
    monitor = _monitor(library, go_on)
    config.progress_monitor = monitor
    plan = builder.build_serialized_network(network, config)
    if monitor.canceled:
        raise BuildCanceledError("the build was canceled")
    if plan is None:
        reason = messages[-1] if messages else "it gives no reason"
        raise BackendError(f"{library.name} cannot build the plan: {reason[:500]}")
    go_on(1.0)  # the last phases end early
    return Compiled(plan=bytes(plan), fused_attentions=fusions.count)


def profile_of(batch: int) -> int:
    """Index of the profile that a batch runs in."""
    return 0 if batch == 1 else 1


def _shapes(max_batch: int) -> list[tuple[int, int, int]]:
    single = (1, 1, 1)
    return [single] if max_batch == 1 else [single, (1, max_batch, max_batch)]


def _configuration(library: Library, builder: Any) -> Any:
    trt = library.module
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, _WORKSPACE_BYTES)
    config.clear_flag(trt.BuilderFlag.TF32)  # float32 in the model means float32
    if hasattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
        # A CUDA graph can't be captured of what allocates while it runs.
        config.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)
    return config


class _Fusions:
    """Counts the attention blocks of the first profile that a verbose log names as one kernel."""

    _PREFIX = "_gemm_mha_v2_myl0_"

    def __init__(self) -> None:
        self._names: set[str] = set()

    @property
    def count(self) -> int:
        return len(self._names)

    def look(self, message: str) -> None:
        for word in message.split():
            if word.startswith(self._PREFIX):
                self._names.add(word.rstrip(","))


def _logger(library: Library, messages: list[str], fusions: _Fusions) -> Any:
    trt = library.module

    class _Listens(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.Severity.ERROR:
                messages.append(message)
            elif severity >= trt.ILogger.Severity.VERBOSE:
                fusions.look(message)

    return _Listens()


def _monitor(library: Library, go_on: Callable[[float], bool]) -> Any:
    """A progress monitor; an exception must not cross into the library, so none is raised."""
    trt = library.module
    phases = Phases()

    class _Watches(trt.IProgressMonitor):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self.canceled = False

        def phase_start(self, name: str, parent: str | None, n_steps: int) -> None:
            phases.start(name, parent, n_steps)

        def step_complete(self, name: str, step: int) -> bool:
            phases.step(name, step)
            self.canceled = self.canceled or not go_on(phases.share)
            return not self.canceled

        def phase_finish(self, name: str) -> None:
            phases.finish(name)

    return _Watches()


@dataclass
class _Phase:
    parent: str | None
    n_steps: int
    done: int = 0


class Phases:
    """The share of nested phases that is done; it never falls."""

    def __init__(self) -> None:
        self._open: dict[str, _Phase] = {}
        self._share = 0.0

    @property
    def share(self) -> float:
        """0 to 1."""
        return self._share

    def start(self, name: str, parent: str | None, n_steps: int) -> None:
        """A phase begins within another one."""
        self._open[name] = _Phase(parent=parent, n_steps=max(1, n_steps))

    def step(self, name: str, step: int) -> None:
        """A step, counted from 0, of a phase is complete."""
        phase = self._open.get(name)
        if phase is None:
            return
        phase.done = step + 1
        share, here = 0.0, phase
        while True:
            share = min(1.0, (here.done + share) / here.n_steps)
            if here.parent is None or here.parent not in self._open:
                break
            here = self._open[here.parent]
        self._share = max(self._share, share)

    def finish(self, name: str) -> None:
        """A phase ends."""
        self._open.pop(name, None)
