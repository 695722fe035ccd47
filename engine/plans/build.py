"""Has a plan built by a child process: a crash or a lack of memory there ends nothing here."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import BackendError
from engine.manifest import ModelManifest
from engine.own_process import module_command
from engine.plans.cache import Identity, PlanCache, StoredPlan
from engine.plans.compile import BuildCanceledError
from engine.plans.device import Gpu
from engine.plans.libraries import Library

MAX_BATCH = 8
_FLAGS = "detailed,no-tf32,user-allocation"
_POLL_S = 0.1
_END_S = 2.0


def plans_folder() -> Path:
    """Where plans are kept: `kws/plans` in the person's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "kws" / "plans"


def identity_of(
    library: Library, gpu: Gpu | None, manifest: ModelManifest, precision: str, max_batch: int
) -> Identity:
    """What a model's plan depends on."""
    return Identity(
        backend=library.name,
        version=library.version,
        gpu=gpu.name if gpu else "any",
        capability=gpu.capability if gpu else "any",
        driver=gpu.driver if gpu else "any",
        onnx_sha256=manifest.model_sha256,
        precision=precision,
        max_batch=max_batch,
        flags=_FLAGS,
        fbank_fingerprint=manifest.fbank.fingerprint,
    )


def build(
    cache: PlanCache,
    identity: Identity,
    manifest: ModelManifest,
    *,
    go_on: Callable[[float], bool] = lambda _: True,
) -> StoredPlan:
    """Build a plan into the cache, or wait for the process that is building it.

    Args:
        cache: Keeps it.
        identity: The plan.
        manifest: The model, verified.
        go_on: Told the share that is done, 0 to 1, ten times a second; False cancels.

    Raises:
        BuildCanceledError: It was canceled; nothing is left of it.
        BackendError: It failed.
    """
    with cache.locked(identity, lambda: go_on(0.0)) as held:
        if not held:
            raise BuildCanceledError("the build was canceled")
        built = cache.read(identity)
        if built is None:
            _run_child(cache.folder, identity, manifest.folder.resolve(), go_on)
            built = cache.read(identity)
    if built is not None:
        go_on(1.0)
    else:
        raise BackendError("the plan that was just built has gone; is the cache's limit too small?")
    return built


def _run_child(
    cache_folder: Path, identity: Identity, model: Path, go_on: Callable[[float], bool]
) -> None:
    request = {"cache": str(cache_folder), "model": str(model), "identity": identity.as_values()}
    # The child ends when its standard input does: also when this process is killed.
    child = subprocess.Popen(  # noqa: S603  this program itself
        module_command("engine.plans.child"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        _watch(child, json.dumps(request).encode() + b"\n", go_on)
    finally:
        _end(child)


def _watch(child: subprocess.Popen[bytes], request: bytes, go_on: Callable[[float], bool]) -> None:
    stdin, stdout, stderr = child.stdin, child.stdout, child.stderr
    if stdin is None or stdout is None or stderr is None:
        raise BackendError("no pipes to the builder")
    with contextlib.suppress(BrokenPipeError):  # it ended at once; why is in its output
        stdin.write(request)
        stdin.flush()
    said = _Said()
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ, said.take)
        selector.register(stderr, selectors.EVENT_READ, said.take_error)
        while selector.get_map():
            for key, _ in selector.select(_POLL_S):
                data = os.read(key.fd, 65536)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
            if not go_on(said.share):
                raise BuildCanceledError("the build was canceled")
    status = child.wait(_END_S)
    if said.error or status:
        raise BackendError(f"the plan could not be built: {said.error or said.last_words(status)}")


class _Said:
    """What the child says: one JSON object a line, and noise on standard error."""

    def __init__(self) -> None:
        self.share = 0.0
        self.error = ""
        self._line = b""
        self._noise = b""

    def take(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).split(b"\n")
        for line in lines:
            try:
                said: Any = json.loads(line)
            except ValueError:
                continue  # a library that prints
            if isinstance(said, dict):
                self.share = float(said.get("share", self.share))
                self.error = str(said.get("error", self.error))

    def take_error(self, data: bytes) -> None:
        self._noise = (self._noise + data)[-2000:]

    def last_words(self, status: int) -> str:
        words = self._noise.decode(errors="replace").strip().splitlines()
        what = f"signal {-status}" if status < 0 else f"status {status}"
        return f"the builder ended with {what}" + (f": {words[-1][:300]}" if words else "")


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child, asking first."""
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    deadline = time.monotonic() + _END_S
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
