"""Files in folders of unknown origin: no links, no pipes or devices, never more than is wanted."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def read_plain_file(path: Path, limit_bytes: int, *, follow_links: bool = False) -> bytes:
    """The content of a regular file.

    Args:
        path: The file. A pipe in its place would be waited for, a device never ends.
        limit_bytes: A longer one is not read.
        follow_links: Whether it may be a link.

    Raises:
        OSError: It cannot be read; `strerror` says why, also where it is of another kind.
    """
    no_follow = 0 if follow_links else os.O_NOFOLLOW
    try:
        # A pipe is opened without waiting for its other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | no_follow)
    except ValueError as err:  # a NUL or half a character in its name
        raise OSError(errno.EINVAL, f"no file can be called so: {err}") from err
    except OSError as err:
        if err.errno == errno.ELOOP and not follow_links:
            raise OSError(errno.ELOOP, "it is a link; links are not followed") from err
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        # Room is taken before anything is read, so no more is asked for than there is.
        content = file.read(status.st_size + 1) if status.st_size <= limit_bytes else b""
    if status.st_size > limit_bytes or len(content) > limit_bytes:
        raise OSError(errno.EFBIG, f"it is larger than {limit_bytes} bytes")
    return content


def create_plain_file(path: Path, mode: int = 0o666) -> BinaryIO:
    """Open a new file to write to, in place of whatever bears its name.

    What is written aside has a name that anybody can know: in a folder that was handed on, a link
    may wait there, and would lead the writing into another file.

    Args:
        path: The file; what is there already is removed, a link and not what it leads to.
        mode: Who may use it, less the process's umask.

    Raises:
        OSError: It cannot be made.
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")
