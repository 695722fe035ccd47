"""What the targets share."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path


@cache
def folder() -> Path:
    """A folder of this process, in memory where that goes; files in it are written over."""
    memory = Path("/dev/shm")  # noqa: S108  a folder of its own is made in it
    made = Path(tempfile.mkdtemp(prefix="kws-fuzz-", dir=memory if memory.is_dir() else None))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def written(name: str, data: bytes) -> Path:
    """A file of that folder with these bytes in it."""
    path = folder() / name
    path.write_bytes(data)
    return path
