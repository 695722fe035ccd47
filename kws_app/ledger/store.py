"""The folder of a ledger: clips, ledger.jsonl, about.json and a lock.

Several processes may use a folder at once: whatever reads or writes it holds the lock for the few
milliseconds that it takes.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import BusyError, ConfigError, KwsError
from kws_app.ledger import about
from kws_app.ledger.about import read_about
from kws_app.ledger.entries import (
    ID_CHARACTERS,
    Entry,
    encode_id,
    is_id,
    parse_label,
    to_record,
)
from kws_app.ledger.log import NAME, EntryLog, write_aside
from kws_app.ledger.retention import Limits, beyond_limits

_LOCK = ".lock"
_LOCK_WAIT_S = 10.0
_LOCK_POLL_S = 0.02
# They pass when somebody makes room; a folder that cannot be a ledger does not mend itself.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Ledger:
    """One folder; used by one thread at a time in each process.

    Args:
        folder: Where it is.
        limits: What to keep when entries are added; None for no limits.
        lock_wait_s: How long to wait while another process uses the folder.
        now: The wall clock, in UTC.
    """

    def __init__(
        self,
        folder: Path,
        limits: Limits | None = None,
        *,
        lock_wait_s: float = _LOCK_WAIT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.folder = folder
        self.removed = 0
        self.limits = limits
        self.lock_wait_s = lock_wait_s
        self._now = now
        self._log = EntryLog(folder)
        self._strays: list[Path] = []

    @property
    def damage(self) -> str | None:
        """What of the last read could not be understood, for people."""
        return self._log.damage

    def clip_path(self, entry: Entry) -> Path:
        """The clip of an entry."""
        return self.folder / entry.clip

    def create(self, keywords: Collection[str]) -> None:
        """Make the folder unless it is a ledger already, and remove what is beyond the limits.

        Args:
            keywords: What is listened for; labels may name them.

        Raises:
            ConfigError: It cannot be made, or holds other things.
            KwsError: The disk is full, or another process holds it.
        """
        try:
            with contextlib.suppress(FileExistsError):
                self.folder.mkdir(mode=0o700)
            self._require_own()  # before the lock, which is a file in it
            with self._locked():
                if not (self.folder / NAME).exists():
                    self.folder.chmod(0o700)
                    write_aside(self.folder / NAME, b"")
                self._log.refresh()
                read_about(self.folder, keywords)
                self._strays = self._find_strays()
                if self.limits is not None:
                    self._enforce(self.limits)
        except OSError as err:
            kind = KwsError if err.errno in _FULL else ConfigError
            raise kind(f"cannot keep a ledger in {self.folder}: {err.strerror}") from err

    def entries(self) -> list[Entry]:
        """All entries, oldest first; raises KwsError."""
        with self._opened():
            return list(self._log.entries.values())

    def keywords(self) -> set[str]:
        """What its models listened for; raises KwsError."""
        with self._opened():
            return self._keywords()

    def speaker(self) -> str:
        """The name under which its clips are exported; raises KwsError."""
        with self._opened():
            return read_about(self.folder).speaker

    def add(self, entry: Entry, clip: bytes) -> Entry:
        """Keep a clip.

        Args:
            entry: Without an id.
            clip: The sound file.

        Returns:
            The entry with its id.

        Raises:
            KwsError: The disk is full, or the folder is gone.
        """
        with self._opened():
            named = replace(entry, id=self._new_id(entry, clip), clip_bytes=len(clip))
            # The clip first: what a kill leaves behind is a clip that no line names.
            write_aside(self.clip_path(named), clip)
            try:
                self._log.append([to_record(named)])
            except OSError:
                self.clip_path(named).unlink()
                raise
            if self.limits is not None:
                self._enforce(self.limits)
        return named

    def label(self, ids: Collection[str], label: str) -> list[Entry]:
        """Label entries, all of them or none.

        Args:
            ids: Ids or their beginnings.
            label: As `parse_label` takes it.

        Returns:
            The entries with their labels.

        Raises:
            ConfigError: An id fits no entry or several, or the label is no keyword.
            KwsError: The disk is full.
        """
        with self._opened():
            chosen = [self._find(text) for text in ids]
            wanted = parse_label(label, self._keywords())
            self._log.append([{"id": entry_id, "label": wanted} for entry_id in chosen])
            return [self._log.entries[entry_id] for entry_id in chosen]

    def purge(self, limits: Limits | None) -> int:
        """Remove what is beyond the limits, or everything without them.

        Returns:
            How many entries went.

        Raises:
            KwsError: The folder cannot be written.
        """
        with self._opened():
            before = self.removed
            self._strays = self._find_strays()
            if limits is not None:
                self._enforce(limits)
            else:
                self._remove_strays(lambda _: True)
                self._remove(set(self._log.entries))
            return self.removed - before

    def _enforce(self, limits: Limits) -> None:
        entries = list(self._log.entries.values())
        if self._strays:
            size_bytes = sum(entry.clip_bytes for entry in entries) + self._log.size_bytes
            size_bytes += sum(path.stat().st_size for path in self._strays if path.exists())
            oldest_s = limits.oldest(self._now()).timestamp()
            is_too_much = size_bytes > limits.size_bytes
            self._remove_strays(lambda path: is_too_much or path.stat().st_mtime < oldest_s)
        gone = beyond_limits(entries, self._log.size_bytes, limits, self._now())
        if gone:
            self._remove(gone)

    def _remove(self, ids: set[str]) -> None:
        # The lines first: what a kill leaves behind are clips that no line names.
        entries = list(self._log.entries.values())
        self._log.rewrite([entry for entry in entries if entry.id not in ids])
        for entry in entries:
            if entry.id in ids:
                self.clip_path(entry).unlink(missing_ok=True)
                self.removed += 1

    def _find_strays(self) -> list[Path]:
        """What a kill left behind: clips that no line names, and files that were being written."""
        found = []
        for path in self.folder.iterdir():
            stem, _, rest = path.name.partition(".")
            is_clip = is_id(stem) and rest == "flac" and stem not in self._log.entries
            if is_clip or (is_id(stem) and rest == "flac.partial"):
                found.append(path)
        return found

    def _remove_strays(self, is_unwanted: Callable[[Path], bool]) -> None:
        for path in self._strays:
            if path.exists() and is_unwanted(path):
                path.unlink()
        self._strays = [path for path in self._strays if path.exists()]

    def _find(self, text: str) -> str:
        wanted = text.strip().lower()
        if wanted in self._log.entries:
            return wanted
        fitting = [entry_id for entry_id in self._log.entries if entry_id.startswith(wanted or "-")]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise ConfigError(
                f"{text!r} fits several entries: {', '.join(fitting[:5])}; give more characters"
            )
        raise ConfigError(f"no entry of {self.folder} is called {text!r}; ledger list shows them")

    def _new_id(self, entry: Entry, clip: bytes) -> str:
        """The shortest beginning of a hash that is free."""
        name = encode_id(hashlib.sha256(json.dumps(to_record(entry)).encode() + clip).digest())
        shorter = (name[:length] for length in range(ID_CHARACTERS, len(name)))
        return next((short for short in shorter if self._is_free(short)), name)

    def _is_free(self, name: str) -> bool:
        return name not in self._log.entries and not (self.folder / f"{name}.flac").exists()

    def _keywords(self) -> set[str]:
        heard = {entry.keyword for entry in self._log.entries.values()}
        return heard | read_about(self.folder).keywords

    def _require_own(self) -> None:
        if (self.folder / NAME).exists():
            return
        names = {path.name for path in self.folder.iterdir()}
        # Another process may be making the same ledger, or was killed while it did.
        own = {name + suffix for name in (NAME, about.NAME) for suffix in ("", ".partial")}
        if others := sorted(names - own - {_LOCK}):
            raise ConfigError(
                f"{self.folder} is no ledger, and not empty: it holds {others[0]}; name another "
                "folder"
            )

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        """Locked and up to date."""
        try:
            if not (self.folder / NAME).is_file():
                raise ConfigError(f"{self.folder} is no ledger; it has no {NAME}")
            with self._locked():
                self._log.refresh()
                yield
        except OSError as err:
            raise KwsError(f"ledger {self.folder}: {err.strerror}") from err

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep every other process out; the lock goes with the process, however it ends."""
        path = self.folder / _LOCK
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + self.lock_wait_s
        try:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise BusyError(
                            f"another process has held {path} for {self.lock_wait_s:g} s; end it"
                        ) from None
                    time.sleep(_LOCK_POLL_S)
            yield
        finally:
            os.close(lock)
