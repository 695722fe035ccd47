"""Writes every scored window's posteriors to an .npz file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Self

import numpy as np

from engine.errors import ConfigError, KwsError
from engine.files import create_plain_file
from engine.scorer import ScoredWindow
from kws_app.arguments import require_folder


class PosteriorsFile:
    """Spools rows to a temporary file, so that memory stays flat, and packs them at the end.

    The result holds `time_s` float64 [n] (end of each window), `posteriors` float32 [n, labels]
    before smoothing, and `labels`.

    Args:
        path: Target; a suffix other than .npz is refused.
        labels: Labels in order.
        sample_rate_hz: Rate of the model.

    Raises:
        ConfigError: The path cannot be written.
    """

    def __init__(self, path: Path, labels: Sequence[str], sample_rate_hz: int) -> None:
        if path.suffix != ".npz":
            raise ConfigError(f"--posteriors is {path}; its name must end in .npz")
        require_folder("--posteriors", path.parent)
        self._path = path
        self._labels = list(labels)
        self._rate_hz = sample_rate_hz

    def __enter__(self) -> Self:
        """Open the spool; raises ConfigError before anything is heard if nothing can be kept."""
        self._aside = self._path.with_suffix(".partial.npz")
        try:
            create_plain_file(self._aside).close()
            # Unbuffered: a full disk is seen at the row that does not fit, not at the end.
            self._spool: IO[bytes] = tempfile.TemporaryFile(buffering=0)
            self._times: IO[bytes] = tempfile.TemporaryFile(buffering=0)
        except OSError as err:
            raise ConfigError(f"cannot write --posteriors {self._path}: {err.strerror}") from err
        return self

    def add(self, scored: ScoredWindow) -> None:
        """Append one window; raises KwsError when the temporary folder is full."""
        try:
            self._times.write(np.int64(scored.posteriors.end_sample).tobytes())
            self._spool.write(scored.posteriors.probs.astype(np.float32).tobytes())
        except OSError as err:
            raise KwsError(
                f"cannot keep posteriors in {tempfile.gettempdir()}: {err.strerror}; "
                "TMPDIR names another folder"
            ) from err

    def __exit__(self, *exc_info: object) -> None:
        """Pack what came, also after a failure: nothing heard is lost."""
        with self._spool, self._times:
            ends = _read_back(self._times, np.int64)
            posteriors = _read_back(self._spool, np.float32)
        labels = len(self._labels)
        rows = min(len(ends), len(posteriors) // labels)  # the last may be half a row
        try:
            with create_plain_file(self._aside) as file:
                np.savez_compressed(
                    file,
                    time_s=ends[:rows] / self._rate_hz,
                    posteriors=posteriors[: rows * labels].reshape(rows, labels),
                    labels=np.array(self._labels),
                )
            self._aside.replace(self._path)
        except OSError as err:
            self._aside.unlink(missing_ok=True)
            raise KwsError(f"cannot write --posteriors {self._path}: {err.strerror}") from err


def _read_back(file: IO[bytes], dtype: type) -> np.ndarray:
    file.seek(0)
    data = file.read()
    item_bytes = np.dtype(dtype).itemsize
    return np.frombuffer(data[: len(data) // item_bytes * item_bytes], dtype)
