"""Downloads with a checksum: aside first, resumed after an interruption, renamed when whole."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import SourceError
from training.progress import ProgressReport

_TIMEOUT_S = 30.0
_BLOCK_BYTES = 1 << 18
_MAX_JSON_BYTES = 1 << 22
_MAX_BYTES = 4 << 30  # the largest has 2.3 GB


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file to fetch.

    Attributes:
        url: Where from; https, or http where the checksum guards the content.
        path: Where to.
        sha256: Hash of the content, or how it begins.
        git_blob: Hash that git gives the content, where there is no SHA-256.
    """

    url: str
    path: Path
    sha256: str = ""
    git_blob: str = ""

    def verify(self, path: Path) -> None:
        """Raise SourceError unless the content has the hash."""
        found, wanted = self._hashes(path)
        if not wanted or not found.startswith(wanted):
            raise SourceError(
                f"{path} has hash {found[:16]}...; {self.url} should have {wanted[:16]}...: the "
                "download is damaged or was replaced; remove it and fetch it again"
            )

    def _hashes(self, path: Path) -> tuple[str, str]:
        with path.open("rb") as file:
            if self.sha256:
                return hashlib.file_digest(file, "sha256").hexdigest(), self.sha256
            digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
            return digest.hexdigest(), self.git_blob


def fetch_file(download: Download) -> bool:
    """Fetch one file unless it is there already.

    Returns:
        Whether anything had to be fetched.

    Raises:
        SourceError: The network fails, or the content has another hash.
    """
    if download.path.exists():
        download.verify(download.path)
        return False
    aside = download.path.with_name(download.path.name + ".partial")
    have = aside.stat().st_size if aside.exists() else 0
    try:
        _receive(download, aside, have)
    except OSError as err:
        raise _no_network(download.url, err, f"put it at {download.path}") from err
    try:
        download.verify(aside)
    except SourceError:
        aside.unlink()  # the next try must not go on from it
        raise
    aside.replace(download.path)
    return True


def fetch_json(url: str, instead: str) -> Any:
    """A small JSON document.

    Args:
        url: Where from.
        instead: What to do with the files that one brings, for the message.

    Raises:
        SourceError: The network fails, or it is no JSON.
    """
    try:
        with _open(url) as response:
            return json.loads(response.read(_MAX_JSON_BYTES))
    except OSError as err:
        raise _no_network(url, err, instead) from err
    except (ValueError, RecursionError) as err:
        raise SourceError(f"{url} did not answer with JSON: {err}; try again later") from err


def _open(url: str, first_byte: int = 0) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "kws"})  # noqa: S310  own tables
    if first_byte:
        request.add_header("Range", f"bytes={first_byte}-")
    return urllib.request.urlopen(request, timeout=_TIMEOUT_S)  # noqa: S310  own tables


def _receive(download: Download, aside: Path, have: int) -> None:
    try:
        response = _open(download.url, have)
    except urllib.error.HTTPError as err:
        if err.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # it is whole already; the hash will tell
        raise
    aside.parent.mkdir(parents=True, exist_ok=True)
    with response:
        resumed = response.status == http.client.PARTIAL_CONTENT
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            aside.open("ab" if resumed else "wb") as file,
            ProgressReport(download.path.name, total, unit="bytes", done=have) as progress,
        ):
            while block := response.read(_BLOCK_BYTES):
                have += len(block)
                if have > _MAX_BYTES:
                    raise ConnectionError(f"it sends more than {_MAX_BYTES >> 30} GiB")
                file.write(block)
                progress.advance(len(block))
            file.flush()
            os.fsync(file.fileno())
    if total is not None and aside.stat().st_size < total:
        raise ConnectionError(f"the connection ended {total - aside.stat().st_size} bytes early")


def _no_network(url: str, err: OSError, instead: str) -> SourceError:
    reason = getattr(err, "reason", None) or err.strerror or err
    return SourceError(
        f"cannot fetch {url}: {reason}; run the command again to go on, or bring the file from a "
        f"machine with network and {instead}"
    )
