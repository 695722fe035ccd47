"""Several backends as one: the best that is ready scores, a better one is prepared beside it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, Self, cast

from engine.backends.protocol import Backend
from engine.errors import BackendError, KwsError, ModelError
from engine.plans.compile import BuildCanceledError
from engine.types import Float32

_END_S = 3.0  # a plan that is loading can't be interrupted

_log = logging.getLogger(__name__)


class Preparing(Protocol):
    """A backend that may take long to be entered: it has to build something first."""

    go_on: Callable[[float], bool]

    def is_prepared(self) -> bool:
        """Whether it can be entered at once; raises KwsError."""


class Ladder:
    """Backends, best first; one of them scores.

    Entering takes the first that works. Live, one that must build a plan first is prepared on a
    thread of its own while a lower one scores, and takes over between two windows. One that fails
    while it scores gives way to the last, which scores the same window: none is lost.

    Args:
        rungs: Best first; the last one is the CPU.
        skipped: Why better ones are not among them.
        live: Whether the stream goes on meanwhile.
        strict: Whether only the first may be entered; the last is for a failure while it scores.
        on_failure: Told that a GPU failed; it does not recover within a process.
    """

    def __init__(
        self,
        rungs: Sequence[Backend],
        skipped: Sequence[str] = (),
        *,
        live: bool,
        strict: bool = False,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._rungs = list(rungs)
        self._skipped = list(skipped)
        self._live = live
        self._strict = strict
        self._on_failure = on_failure
        self._current: Backend | None = None
        self._thread: threading.Thread | None = None
        self._prepared: Backend | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._building: tuple[str, float] | None = None

    @property
    def name(self) -> str:
        """Of the one that scores."""
        return (self._current or self._rungs[0]).name

    @property
    def reason(self) -> str:
        """Why this one scores, and why no better one does."""
        with self._lock:
            building = [f"{self._building[0]} builds its plan"] if self._building else []
            otherwise = "asked for" if self._strict else "fastest"
            return "; ".join([*self._skipped, *building]) or otherwise

    @property
    def building(self) -> tuple[str, float] | None:
        """Who builds a plan, and the share of it that is done."""
        return self._building

    def __enter__(self) -> Self:
        """Enter the first that works; raises what the last one raised."""
        self._ended.clear()
        if self._strict:
            self._current = self._entered(self._rungs[0])
            return self
        for rung in self._rungs[:-1]:
            try:
                if self._live and _must_build(rung):
                    self._prepare(rung)
                    continue
                self._current = self._entered(rung)
                return self
            except BuildCanceledError:
                raise
            except (BackendError, ModelError) as err:
                self._skip(rung, err)
        self._current = self._rungs[-1].__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Leave all; what is being built is given up."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(_END_S)
        prepared, self._prepared = self._prepared, None
        current, self._current = self._current, None
        for backend in (prepared, current):
            if backend is not None:
                backend.__exit__(*exc_info)

    def infer(self, model_inputs: Float32) -> Float32:
        """Logits [batch, labels] of model inputs [batch, frames, mels]."""
        self._take_over()
        current = self._current
        if current is None:
            raise BackendError("no backend is loaded")
        try:
            return current.infer(model_inputs)
        except BackendError as err:
            last = self._rungs[-1]
            if current is last:
                raise
            self._skip(current, err)
            self._on_failure(f"{current.name} failed: {err}")
            self._ended.set()  # whatever is being prepared needs the same GPU
            current.__exit__()
            self._current = None
            try:
                self._current = last.__enter__()
            except KwsError:
                raise err from None  # it can't run this model: what failed is the reason
            return self._current.infer(model_inputs)

    def _take_over(self) -> None:
        with self._lock:
            better, self._prepared = self._prepared, None
        if better is None:
            return
        if self._ended.is_set():
            better.__exit__()
            return
        before, self._current = self._current, better
        if before is not None:
            before.__exit__()

    def _prepare(self, rung: Backend) -> None:
        """Build and enter on a thread; only the best one that must build."""
        if self._thread is not None:
            return
        self._building = rung.name, 0.0
        self._thread = threading.Thread(
            target=self._prepare_now, args=(rung,), name="plan-builder", daemon=True
        )
        self._thread.start()

    def _prepare_now(self, rung: Backend) -> None:
        try:
            entered = self._entered(rung)
        except BuildCanceledError:
            self._building = None
            return
        except Exception as err:  # noqa: BLE001  a thread's errors go nowhere by themselves
            self._skip(rung, err)
            if not isinstance(err, KwsError):
                _log.exception("%s could not be prepared", rung.name)
            return
        with self._lock:
            self._building = None
            self._prepared = entered

    def _entered(self, rung: Backend) -> Backend:
        if hasattr(rung, "go_on"):
            preparing = cast(Preparing, rung)
            asked = preparing.go_on
            preparing.go_on = lambda share: self._goes_on(rung.name, share) and asked(share)
        return rung.__enter__()

    def _goes_on(self, name: str, share: float) -> bool:
        self._building = name, share  # a build that waits for another process's tells no share
        return not self._ended.is_set()

    def _skip(self, rung: Backend, err: Exception) -> None:
        with self._lock:
            self._building = None
            self._skipped.append(f"not {rung.name}: {err}")


def _must_build(rung: Backend) -> bool:
    return hasattr(rung, "is_prepared") and not cast(Preparing, rung).is_prepared()
