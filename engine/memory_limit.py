"""Bounds what a model of unknown origin takes while it is loaded and runs first."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The largest published model takes 1.6 GB, of which its file, several times over, is 342 MB.
_ROOM_BYTES, _ROOM_PER_BYTE = 1 << 30, 4
_lock = threading.Lock()


@contextmanager
def bounded_memory(model_bytes: int) -> Iterator[None]:
    """Let this process take some memory more and no more, for a moment.

    A file of a kilobyte can ask for any amount (the product of a column and a row). Here that fails
    with an error, where otherwise the system would end this process or another one. A program that
    is started in that moment keeps the limit. Only Linux has it.

    Args:
        model_bytes: Size of the model; it may take four times as much, and a gigabyte.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    with _lock:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = _data_bytes() + _ROOM_BYTES + _ROOM_PER_BYTE * model_bytes
        limit = min([wanted, *(known for known in (soft, hard) if known != resource.RLIM_INFINITY)])
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA, so far."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmData:")[2].split()[0]) << 10
