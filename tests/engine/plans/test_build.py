"""A process of its own builds: once, cancellable, and nothing is left of one that was killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.errors import BackendError
from engine.manifest import ModelManifest, load_manifest
from engine.plans.build import build, identity_of, plans_folder
from engine.plans.cache import Identity, PlanCache
from engine.plans.compile import BuildCanceledError
from engine.plans.libraries import find_library


@pytest.fixture
def manifest(tiny_folder: Path) -> ModelManifest:
    return load_manifest(tiny_folder)


@pytest.fixture
def cache(tmp_path: Path) -> PlanCache:
    return PlanCache(tmp_path / "plans")


@pytest.fixture
def identity(manifest: ModelManifest) -> Identity:
    try:
        library = find_library("tensorrt_rtx")
    except BackendError as err:
        pytest.skip(f"needs TensorRT for RTX: {err}")
    return identity_of(library, None, manifest, "fp32", 2)


def test_it_is_built_once_and_the_share_is_told(
    cache: PlanCache, identity: Identity, manifest: ModelManifest
) -> None:
    shares: list[float] = []
    stored = build(cache, identity, manifest, go_on=lambda share: shares.append(share) is None)
    assert shares[0] == 0
    assert shares[-1] == 1
    assert stored.sidecar["onnx_sha256"] == manifest.model_sha256
    began = time.monotonic()
    assert build(cache, identity, manifest).plan == stored.plan
    assert time.monotonic() - began < 0.5


def test_two_at_once_build_once(
    cache: PlanCache, identity: Identity, manifest: ModelManifest
) -> None:
    built: list[float] = []
    threads = [
        threading.Thread(
            target=lambda: built.append(build(cache, identity, manifest).sidecar["build_s"])
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 3
    assert len(set(built)) == 1  # the same plan: its sidecar was written once


def test_a_canceled_build_leaves_nothing(
    cache: PlanCache, identity: Identity, manifest: ModelManifest
) -> None:
    calls = iter(range(1_000))
    with pytest.raises(BuildCanceledError):
        build(cache, identity, manifest, go_on=lambda share: next(calls) < 3)
    assert cache.plans() == []
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]


def test_a_builder_that_is_killed_is_an_error_and_leaves_nothing(
    cache: PlanCache, identity: Identity, manifest: ModelManifest
) -> None:
    def kill(share: float) -> bool:
        for child in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
            for pid in map(int, child.read_text().split()):
                if b"engine.plans.child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
        return True

    with pytest.raises(BackendError, match="the builder ended with signal 9"):
        build(cache, identity, manifest, go_on=kill)
    assert cache.plans() == []
    assert build(cache, identity, manifest).plan  # and it can be built again


def test_an_altered_model_is_not_built(
    cache: PlanCache, identity: Identity, own_tiny_folder: Path
) -> None:
    manifest = load_manifest(own_tiny_folder)
    path = own_tiny_folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(BackendError, match=r"could not be built: .*model\.onnx"):
        build(cache, identity, manifest)
    assert cache.plans() == []


def test_a_builder_does_not_outlive_who_asked(cache: PlanCache, identity: Identity) -> None:
    """It ends when its standard input does, whatever it is doing."""
    held_up = (
        "import sys, time; from engine.plans import child; "
        "child._build = lambda *_: time.sleep(600); sys.exit(child.main())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", held_up],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    request = {"cache": str(cache.folder), "model": "nowhere", "identity": identity.as_values()}
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(1)
    child.stdin.close()
    assert child.wait(10) == 1


def test_plans_are_kept_in_the_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/mine")
    assert plans_folder() == Path("/var/mine/kws/plans")
    for other in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", other)
        assert plans_folder() == Path.home() / ".cache" / "kws" / "plans"
