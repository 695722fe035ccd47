"""The private folder of plans.

A plan is native code: only what this program built, for exactly this library, GPU and model, is
read, and only from a folder that nobody else can write to. `<key>.plan` holds the plan's bytes and
`<key>.json` beside it says what they are; the second one is written last, so that a plan without it
was never finished.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import BackendError
from engine.files import create_plain_file

SCHEMA = 1
_POLL_S = 0.1
_MAX_SIDECAR_BYTES = 1 << 20
SIZE_LIMIT_BYTES = 4 << 30


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a plan depends on; any difference makes another plan.

    Attributes:
        backend: Which library: as in --backend.
        version: Exact version of the library.
        gpu: Name of the GPU; "any" where there was none.
        capability: Its compute capability.
        driver: CUDA version of its driver.
        onnx_sha256: Of the model.
        precision: That the model computes in.
        max_batch: Of the profiles.
        flags: Of the builder.
        fbank_fingerprint: Of the features that the model takes.
    """

    backend: str
    version: str
    gpu: str
    capability: str
    driver: str
    onnx_sha256: str
    precision: str
    max_batch: int
    flags: str
    fbank_fingerprint: str

    @property
    def key(self) -> str:
        """Name of the plan's files."""
        return hashlib.sha256(_canonical(self.as_values())).hexdigest()[:32]

    def as_values(self) -> dict[str, Any]:
        """For the sidecar."""
        return {"schema": SCHEMA, **vars(self)}


@dataclass(frozen=True, kw_only=True)
class StoredPlan:
    """A plan that was read and is what its sidecar says.

    Attributes:
        plan: Its bytes.
        kernels: Compiled for the GPU when it ran before; may be empty.
        sidecar: Everything that is known of it.
    """

    plan: bytes
    kernels: bytes
    sidecar: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A plan in the folder.

    Attributes:
        key: Its name.
        sidecar: What it is; None if it can't be read.
        n_bytes: Of all its files.
        used_at: Last use, seconds since 1970.
    """

    key: str
    sidecar: Mapping[str, Any] | None
    n_bytes: int
    used_at: float = 0.0


class PlanCache:
    """Plans in a folder.

    Args:
        folder: It is made, closed to others, if it is not there.
        size_limit_bytes: The plans used longest ago go first.
    """

    def __init__(self, folder: Path, size_limit_bytes: int = SIZE_LIMIT_BYTES) -> None:
        self.folder = folder
        self._size_limit_bytes = size_limit_bytes

    def read(self, identity: Identity) -> StoredPlan | None:
        """A plan, verified; None if it was not built yet.

        Raises:
            BackendError: Somebody else could have written it, or it is not what was written.
        """
        self._require_private()
        stored = self._read_verified(identity.key)
        if stored is None:
            return None
        said = {name: stored.sidecar.get(name) for name in identity.as_values()}
        if said != identity.as_values():
            raise BackendError(f"plan {identity.key} says that it is another one; {_again()}")
        os.utime(self._path(identity.key, ".json"))
        return stored

    def verify(self, key: str) -> str:
        """Why a plan must not be used; empty if it may."""
        try:
            self._require_private()
            stored = self._read_verified(key)
        except BackendError as err:
            return str(err)
        if stored is None:
            return "it was never finished"
        names = Identity.__dataclass_fields__
        said = {name: value for name, value in stored.sidecar.items() if name in names}
        is_ours = set(said) == set(names) and stored.sidecar.get("schema") == SCHEMA
        if not is_ours or Identity(**said).key != key:
            return f"plan {key} says that it is another one; {_again()}"
        return ""

    def write(self, identity: Identity, plan: bytes, about: Mapping[str, Any]) -> None:
        """Keep a plan: all of it, or nothing.

        Raises:
            BackendError: The folder can't be used.
        """
        self._require_private()
        sidecar = {
            **identity.as_values(),
            **about,
            "plan_sha256": hashlib.sha256(plan).hexdigest(),
            "plan_bytes": len(plan),
        }
        try:
            self._path(identity.key, ".json").unlink(missing_ok=True)
            self._path(identity.key, ".kernels").unlink(missing_ok=True)
            self._write_aside(self._path(identity.key, ".plan"), plan)
            self._write_aside(self._path(identity.key, ".json"), _canonical(sidecar))
        except OSError as err:
            raise BackendError(f"{self.folder} cannot keep the plan: {err.strerror}") from err
        self._keep_below_limit(identity.key)

    def write_kernels(self, identity: Identity, kernels: bytes) -> None:
        """Keep what was compiled for the GPU beside its plan."""
        stored = self.read(identity)
        if stored is None or not kernels or stored.kernels == kernels:
            return
        sidecar = {**stored.sidecar, "kernels_sha256": hashlib.sha256(kernels).hexdigest()}
        try:
            self._write_aside(self._path(identity.key, ".kernels"), kernels)
            self._write_aside(self._path(identity.key, ".json"), _canonical(sidecar))
        except OSError as err:
            raise BackendError(f"{self.folder} cannot keep kernels: {err.strerror}") from err

    def plans(self) -> list[Listed]:
        """All plans, the one used last first; raises BackendError if others may write here."""
        self._require_private()
        keys = {path.stem for path in self.folder.iterdir() if path.suffix in (".plan", ".json")}
        found = []
        for key in keys:
            try:
                sidecar = self._read_sidecar(key)
            except BackendError:
                sidecar = None
            times = [p.lstat().st_mtime for p in self._files(key) if p.suffix != ".lock"]
            size = sum(p.lstat().st_size for p in self._files(key))
            used_at = max(times, default=0.0)
            found.append(Listed(key=key, sidecar=sidecar, n_bytes=size, used_at=used_at))
        return sorted(found, key=lambda plan: -plan.used_at)

    def remove(self, key: str) -> None:
        """Remove a plan; raises BackendError."""
        self._require_private()
        try:
            for path in self._files(key):
                path.unlink(missing_ok=True)
        except OSError as err:
            raise BackendError(f"{self.folder} keeps plan {key}: {err.strerror}") from err

    @contextmanager
    def locked(self, identity: Identity, go_on: Callable[[], bool]) -> Iterator[bool]:
        """Hold a plan's lock, so that one process builds it.

        Args:
            identity: The plan.
            go_on: Asked while another process has it; False gives up.

        Yields:
            Whether it is held.
        """
        self._require_private()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path(identity.key, ".lock"), flags, 0o600)
        try:
            yield _lock(descriptor, go_on)
        finally:
            os.close(descriptor)  # the lock goes with it, also when the process is killed

    def _read_verified(self, key: str) -> StoredPlan | None:
        sidecar = self._read_sidecar(key)
        if sidecar is None:
            return None
        plan = _read(self._path(key, ".plan"), int(sidecar.get("plan_bytes", 0)))
        if plan is None:
            raise BackendError(f"plan {key} has gone; {_again()}")
        if hashlib.sha256(plan).hexdigest() != sidecar.get("plan_sha256"):
            raise BackendError(f"plan {key} was altered; {_again()}")
        kernels = b""
        if "kernels_sha256" in sidecar:
            kernels = _read(self._path(key, ".kernels"), SIZE_LIMIT_BYTES) or b""
            if hashlib.sha256(kernels).hexdigest() != sidecar["kernels_sha256"]:
                kernels = b""  # they are compiled again
        return StoredPlan(plan=plan, kernels=kernels, sidecar=sidecar)

    def _read_sidecar(self, key: str) -> dict[str, Any] | None:
        data = _read(self._path(key, ".json"), _MAX_SIDECAR_BYTES)
        if data is None:
            return None
        try:
            sidecar = json.loads(data)
            if isinstance(sidecar, dict) and isinstance(sidecar.get("plan_bytes"), int):
                return sidecar
        except (ValueError, RecursionError):
            pass
        raise BackendError(f"plan {key} has no readable sidecar; {_again()}")

    def _keep_below_limit(self, newest: str) -> None:
        total = 0
        for plan in self.plans():
            total += plan.n_bytes
            if total > self._size_limit_bytes and plan.key != newest:
                self.remove(plan.key)

    def _require_private(self) -> None:
        """Make the folder, or refuse one that somebody else has or may write to."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            status = self.folder.lstat()
        except OSError as err:
            raise BackendError(f"{self.folder} cannot hold plans: {err.strerror}") from err
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise BackendError(f"{self.folder} must be a folder of this user and no link")
        if status.st_mode & 0o077:
            raise BackendError(
                f"{self.folder} is open to others, who could put native code there; look at what "
                f"is in it, remove it, or chmod 700 it"
            )

    def _files(self, key: str) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name.split(".")[0] == key]

    def _path(self, key: str, suffix: str) -> Path:
        return self.folder / f"{key}{suffix}"

    def _write_aside(self, path: Path, data: bytes) -> None:
        aside = path.with_name(f"{path.name}.partial")
        try:
            with create_plain_file(aside, 0o600) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, go_on: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if not go_on():
                return False
            time.sleep(_POLL_S)


def _read(path: Path, limit_bytes: int) -> bytes | None:
    """A file of ours that nobody else can write to; None if there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as err:
        raise BackendError(f"{path} cannot be read: {err.strerror}") from err
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
            raise BackendError(f"{path} must be a file of this user; {_again()}")
        if status.st_mode & 0o022:
            raise BackendError(f"{path} can be written to by others; {_again()}")
        if status.st_size > limit_bytes:
            raise BackendError(f"{path} has {status.st_size} bytes, too many; {_again()}")
        return file.read()


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()


def _again() -> str:
    return "python -m kws_app plan build --anew builds it again"
