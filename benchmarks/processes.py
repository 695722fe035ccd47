"""What a process uses, as Linux counts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Usage:
    """One look at a process.

    Attributes:
        cpu_s: Processor time since its start, its own and the kernel's for it.
        resident_mb: Memory that is in use, shared libraries included; 1 MB is 10^6 bytes.
        threads: How many.
        descriptors: How many are open.
    """

    cpu_s: float
    resident_mb: float
    threads: int
    descriptors: int


def usage(pid: int) -> Usage:
    """Look at a process; raises OSError when it is gone or another user's."""
    folder = Path("/proc", str(pid))
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    pages = int((folder / "statm").read_text().split()[1])
    return Usage(
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        resident_mb=pages * os.sysconf("SC_PAGE_SIZE") / 1e6,
        threads=len(list((folder / "task").iterdir())),
        descriptors=len(list((folder / "fd").iterdir())),
    )


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many cores busy."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]  # noqa: S603  our own command
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
