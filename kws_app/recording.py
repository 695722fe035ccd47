"""Writes the samples that the model hears to a sound file."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections import deque
from io import FileIO
from pathlib import Path
from typing import Any, Self

import numpy as np

from engine.errors import ConfigError, KwsError
from engine.types import Float32
from kws_app.arguments import require_folder
from kws_app.pcm import to_pcm

_FORMATS = {".flac": "FLAC", ".wav": "WAV"}
# RIFF counts bytes in 32 bits; some are left for the header.
_MAX_WAV_SAMPLES = (2**32 - 2**16) // 2
_PIECE_SAMPLES = 16_000
_MOST_ZEROS_AT_ONCE = 60 * _PIECE_SAMPLES  # some milliseconds' work
# Of a FLAC file, from its start (RFC 9639, section 8.2): 4 bits and 4 bytes of the number of
# samples, then the MD5 of them.
_FLAC_TOTAL_AT = 21
_FLAC_MD5 = slice(26, 42)


class Recording:
    """A FLAC or WAV file, 16 bit mono, written aside and renamed at the end.

    Lost samples become zeros, so that time in the file is the time of the events. Hours of them are
    written little by little with what comes after them: nobody waits for them.

    Args:
        path: Target; its suffix is .flac or .wav.
        sample_rate_hz: Rate of the model.
        most_hours: Length at which it is closed and takes no more.

    Attributes:
        is_full: Whether it has come to that.

    Raises:
        ConfigError: The suffix is another one, or the folder does not exist.
    """

    def __init__(self, path: Path, sample_rate_hz: int, *, most_hours: float = math.inf) -> None:
        if path.suffix.lower() not in _FORMATS:
            raise ConfigError(f"--record is {path}; its name must end in .flac or .wav")
        require_folder("--record", path.parent)
        self._path = path
        self._format = _FORMATS[path.suffix.lower()]
        self._rate_hz = sample_rate_hz
        self._samples = 0
        self._most_samples = most_hours * 3600 * sample_rate_hz
        self._is_finished = False
        # Lost samples and those that follow, not written yet.
        self._waiting: deque[tuple[int, Float32]] = deque()
        self.is_full = False

    @property
    def seconds(self) -> float:
        """Length so far; of a finished file what it holds."""
        return self._samples / self._rate_hz

    def __enter__(self) -> Self:
        """Open the file; raises ConfigError before anything is heard if nothing can be kept."""
        import soundfile

        try:
            self._aside, file = _open_aside(self._path)
        except OSError as err:
            raise ConfigError(f"cannot write --record {self._path}: {err.strerror}") from err
        self._sink = _Sink(file)
        self._file: Any = soundfile.SoundFile(
            self._sink, "w", self._rate_hz, 1, subtype="PCM_16", format=self._format
        )
        return self

    def add(self, samples: Float32, lost_samples: int) -> bool:
        """Append samples, after zeros for those that were lost before them; a full one ends.

        Args:
            samples: Shape [n].
            lost_samples: How many are missing before them.

        Returns:
            Whether these were the last that it takes.

        Raises:
            KwsError: The disk is full, or the file as long as a WAV file can be.
        """
        was_full = self.is_full
        if not was_full:
            self._waiting.append((lost_samples, samples))
            self._write_waiting(_MOST_ZEROS_AT_ONCE)
        return self.is_full and not was_full

    def __exit__(self, kind: object, *exc_info: object) -> None:
        """Close and rename, also after a failure: nothing heard is lost."""
        was_finished = self._is_finished
        if not was_finished:
            try:
                self._write_waiting(math.inf)
            except KwsError:
                if kind is None:  # else the first error is the one to tell
                    raise
            finally:
                self._finish()
        if kind is None and not was_finished:
            self._check()  # the last samples are written when the file is closed

    def _finish(self) -> None:
        """Close and rename, once."""
        if self._is_finished:
            return
        self._is_finished = True
        self._file.close()
        self._sink.close()
        try:
            if self._sink.error is not None and self._format == "FLAC":
                self._samples = _mend_flac(self._aside)
            if self._samples == 0:
                self._aside.unlink()  # a device that did not open must not cost the old file
            else:
                self._aside.replace(self._path)
        except OSError as err:
            raise KwsError(f"cannot write --record {self._path}: {err.strerror}") from err

    def _write_waiting(self, most_zeros: float) -> None:
        while self._waiting and not self.is_full:
            lost, samples = self._waiting.popleft()
            while lost > 0 and most_zeros > 0 and not self.is_full:
                piece = min(lost, _PIECE_SAMPLES)
                self._write(np.zeros(piece, np.float32))
                lost -= piece
                most_zeros -= piece
            if lost > 0:
                self._waiting.appendleft((lost, samples))
                return
            self._write(samples)

    def _write(self, samples: Float32) -> None:
        if self.is_full:
            return
        if self._samples + len(samples) >= self._most_samples:
            samples = samples[: math.ceil(self._most_samples - self._samples)]
            self.is_full = True
        if self._format == "WAV" and self._samples + len(samples) > _MAX_WAV_SAMPLES:
            hours = _MAX_WAV_SAMPLES / self._rate_hz / 3600
            raise KwsError(
                f"--record {self._path} is full after {hours:.0f} h, as long as a WAV file can be; "
                "record to a .flac"
            )
        self._file.write(to_pcm(samples))
        self._check()
        self._samples += len(samples)
        if self.is_full:
            self._finish()

    def _check(self) -> None:
        if self._sink.error is not None:
            self._finish()  # only then it is known what is kept
            kept = (
                f"the first {self.seconds:.1f} s are kept" if self._samples else "nothing is kept"
            )
            raise KwsError(
                f"cannot write --record {self._path}: {self._sink.error.strerror}; {kept}"
            ) from self._sink.error


def _open_aside(path: Path) -> tuple[Path, FileIO]:
    """A new file under a name to write to aside.

    What a crash left under one may be all that there is, what another start writes to is its own,
    and where a link leads is none of ours. Unbuffered: a full disk is seen at the piece that does
    not fit, not at the end.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    for number in itertools.count():
        aside = path.with_suffix(f".partial{number or ''}{path.suffix}")
        with contextlib.suppress(FileExistsError):
            return aside, FileIO(os.open(aside, flags, 0o666), "r+")
    raise AssertionError("numbers do not end")


class _Sink:
    """What libsndfile writes to.

    Exceptions do not pass through C, so an error is kept for the caller. From then on nothing is
    appended, and the file ends with the last whole piece; the header can still be put right.
    """

    def __init__(self, file: FileIO) -> None:
        self.error: OSError | None = None
        self._file = file
        self.seek = self._file.seek
        self.tell = self._file.tell
        self.close = self._file.close

    def write(self, data: bytes) -> int:
        """Write all of it, or take back what was written; always the length of the data."""
        position = self._file.tell()
        if self.error is not None and position + len(data) > os.fstat(self._file.fileno()).st_size:
            return len(data)
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:])
        except OSError as err:
            self.error = err
            self._file.truncate(position)
        return len(data)


def _mend_flac(path: Path) -> int:
    """Put the number of samples right in a file whose last ones could not be written."""
    import soundfile

    samples = 0
    try:
        file = soundfile.SoundFile(path)
    except soundfile.LibsndfileError:
        return 0  # not even its header could be written
    with file:
        file.seekable = lambda: False  # its length is wrong
        while n := len(file.read(_PIECE_SAMPLES, dtype="int16")):
            samples += n
    with path.open("r+b") as raw:
        head = bytearray(raw.read(_FLAC_MD5.stop))
        head[_FLAC_TOTAL_AT] = head[_FLAC_TOTAL_AT] & 0xF0 | samples >> 32
        head[_FLAC_TOTAL_AT + 1 : _FLAC_MD5.start] = (samples & 0xFFFFFFFF).to_bytes(4)
        head[_FLAC_MD5] = bytes(16)  # zeros: not known
        raw.seek(0)
        raw.write(head)
    return samples
