"""ledger.jsonl: one JSON object a line, appended to, and read on from where it was left.

A line is an entry, or a label that was given later: an object of `id` and `label` alone. So every
change is one appended line, which a kill leaves there or not there. The file is written anew, and
aside, only when entries are removed.

Everything here is called while the ledger is locked.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.files import create_plain_file
from kws_app.ledger.entries import Entry, from_record, is_id, parse_line, to_record

NAME = "ledger.jsonl"
_MOST_BYTES = 256_000_000  # a million entries


class EntryLog:
    """The entries of a ledger, as its file has them.

    Args:
        folder: The ledger.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._descriptor: int | None = None
        self._forget()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Entries by id in the order in which they came, with their labels."""
        return self._entries

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return self._offset

    @property
    def damage(self) -> str | None:
        """What could not be read, for people."""
        parts = []
        if self._damaged:
            parts.append(f"{self._damaged} damaged line{'s' if self._damaged > 1 else ''}")
        if self._is_cut_off:
            parts.append("a half-written last line")
        return f"{self._path}: left out {' and '.join(parts)}" if parts else None

    def refresh(self) -> None:
        """Take in what was written since the last time, by whomever; raises OSError."""
        if self._descriptor is None or not os.path.samestat(
            os.fstat(self._descriptor), self._path.stat()
        ):
            # Another process has written it anew. The old file stays open until now, so that the
            # new one cannot have its inode number.
            self.close()
            flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags)
            # Every listening of the window has a ledger of its own, and nobody closes it.
            self._close = weakref.finalize(self, os.close, self._descriptor)
            self._forget()
        state = os.fstat(self._descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, f"{self._path.name} is no plain file")
        if state.st_size > _MOST_BYTES:  # it is read whole, and may come from others
            raise OSError(errno.EFBIG, f"{self._path.name} is larger than {_MOST_BYTES} bytes")
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            file.seek(self._offset)
            data = file.read()
        lines = data.split(b"\n")
        self._is_cut_off = bool(lines.pop())
        for line in lines:
            self._take(line)
            self._offset += len(line) + 1

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add lines and see them on the disk; all or none of them if it is full (OSError)."""
        if self._descriptor is None:
            raise RuntimeError("append before refresh")
        data = b"".join(json.dumps(record).encode() + b"\n" for record in records)
        size = os.fstat(self._descriptor).st_size
        if self._is_cut_off:
            data = b"\n" + data  # nothing may be glued to what a kill left behind
        try:
            written = 0
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, size)
            raise
        self.refresh()

    def rewrite(self, entries: Iterable[Entry]) -> None:
        """Replace the file by these entries; the old one is whole until then. Raises OSError."""
        lines = (json.dumps(to_record(entry)) + "\n" for entry in entries)
        write_aside(self._path, "".join(lines).encode())
        self.refresh()

    def close(self) -> None:
        """Close the file; `refresh` opens it again."""
        if self._descriptor is not None:
            self._close()
            self._descriptor = None

    def _forget(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._offset = self._damaged = 0
        self._is_cut_off = False

    def _take(self, line: bytes) -> None:
        record = parse_line(line)
        if isinstance(record, dict) and record.keys() == {"id", "label"}:
            entry = self._entries.get(record["id"]) if is_id(record["id"]) else None
            if not isinstance(record["label"], str):
                self._damaged += 1
            elif entry is not None:  # else it was removed by the limits
                self._entries[entry.id] = replace(entry, label=record["label"])
            return
        entry = from_record(record)
        if entry is not None:
            self._entries[entry.id] = entry
        elif line.strip():
            self._damaged += 1


def write_aside(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all; raises OSError."""
    aside = path.with_name(path.name + ".partial")
    try:
        with create_plain_file(aside, 0o600) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make sure that a rename outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
