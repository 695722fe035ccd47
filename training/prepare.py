"""Gets Speech Commands V2: downloads, verifies, unpacks; the official lists split it."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from collections import Counter
from pathlib import Path, PurePosixPath

from engine.errors import ConfigError, SourceError
from training.data.folder import list_folder
from training.download import Download, fetch_file
from training.progress import ProgressReport

ARCHIVE_URL = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
ARCHIVE_SHA256 = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
_TEST_LIST = "testing_list.txt"  # the last thing that is there once it is whole
_MAX_BYTES = 8 << 30  # unpacked; the real one has 3.8 GB
_MAX_FILES = 500_000  # the real one has 105,842


def prepare_speech_commands(
    folder: Path, archive: Path | None = None, *, sha256: str = ARCHIVE_SHA256
) -> Counter[str]:
    """Make a plain folder of words (training.data.folder) of the official archive.

    Args:
        folder: Where to; a whole one is left as it is.
        archive: The `.tar.gz`, if it is here already; else it is fetched to beside the folder.
        sha256: What the archive must have.

    Returns:
        Number of clips in each split.

    Raises:
        SourceError: There is no network, or the archive is damaged.
        ConfigError: The folder holds something else.
    """
    if not (folder / _TEST_LIST).is_file():
        if folder.exists() and any(folder.iterdir()):
            raise ConfigError(f"{folder} is not empty and no Speech Commands; name another folder")
        if archive is not None and not archive.is_file():
            raise SourceError(f"archive {archive} does not exist; leave --archive out to fetch it")
        path = archive or folder.with_name("speech_commands_v0.02.tar.gz")
        download = Download(url=ARCHIVE_URL, path=path, sha256=sha256)
        fetch_file(download)
        _unpack(path, folder)
    return Counter(entry.split for entry in list_folder(folder) if entry.kind == "word")


def _require_plain(member: tarfile.TarInfo, archive: Path) -> None:
    """Refuse all but files and folders below the target.

    The filter of tarfile does so too, but before Python 3.11.13 links led past it (CVE-2025-4517).
    """
    path = PurePosixPath(member.name)
    if not (member.isreg() or member.isdir()):
        what = "a link" if member.issym() or member.islnk() else "a device or a pipe"
        raise SourceError(f"{archive} holds {what}, {member.name!r}: it is no Speech Commands")
    if path.is_absolute() or ".." in path.parts:
        raise SourceError(f"{archive} holds {member.name!r}, which lies outside of it")


def _unpack(archive: Path, folder: Path) -> None:
    aside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(aside, ignore_errors=True)
    total = 0
    try:
        with (
            tarfile.open(archive, "r:gz") as tar,
            ProgressReport("unpacking", None, unit="files") as progress,
        ):
            for count, member in enumerate(tar, 1):
                _require_plain(member, archive)
                total += member.size
                if total > _MAX_BYTES or count > _MAX_FILES:
                    raise SourceError(
                        f"{archive} unpacks to more than {_MAX_BYTES >> 30} GiB or {_MAX_FILES} "
                        "files: it is no Speech Commands"
                    )
                tar.extract(member, aside, filter="data")
                progress.advance()
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as err:
        shutil.rmtree(aside, ignore_errors=True)
        raise SourceError(f"cannot unpack {archive}: {err}; fetch it again") from err
    except SourceError:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if not (aside / _TEST_LIST).is_file():
        shutil.rmtree(aside, ignore_errors=True)
        raise SourceError(f"{archive} holds no {_TEST_LIST}: it is no Speech Commands")
    if folder.exists():
        folder.rmdir()
    aside.replace(folder)
