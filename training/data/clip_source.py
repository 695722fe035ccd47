"""Windows that are clips as they are, as AST was published: whole files, shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from engine.errors import SourceError
from engine.types import Float32
from training.data.clips import Clip, read_samples, speech_extent

_ORDER = 103


@dataclass(frozen=True, kw_only=True)
class ClipItem:
    """One clip of a list, not read yet.

    Attributes:
        name: For messages.
        read: Reads its samples.
        labels: Indices of its labels.
    """

    name: str
    read: Callable[[], Float32]
    labels: tuple[int, ...]


def file_item(path: Path, labels: tuple[int, ...]) -> ClipItem:
    """A clip in a file of any rate."""
    return ClipItem(name=str(path), read=partial(_read_float, path), labels=labels)


def memory_item(clip: Clip, labels: tuple[int, ...]) -> ClipItem:
    """A clip that is in memory."""
    return ClipItem(name=clip.path, read=partial(_to_float, clip), labels=labels)


def _read_float(path: Path) -> Float32:
    return read_samples(path).astype(np.float32) / np.float32(32_768)


def _to_float(clip: Clip) -> Float32:
    return clip.samples.astype(np.float32) / np.float32(32_768)


def as_window(samples: Float32, n_samples: int) -> Float32:
    """A clip as a window of a stream holds it, shape [n_samples].

    A short clip stands in the middle of silence; of a long one, what was spoken is in the middle.
    """
    missing = n_samples - len(samples)
    if missing >= 0:
        return np.pad(samples, (missing // 2, missing - missing // 2))
    start, stop = speech_extent((samples * 32_767).astype(np.int16))
    first = min(max(0, (start + stop - n_samples) // 2), -missing)
    return samples[first : first + n_samples]


def leave_out_unreadable(
    items: Sequence[tuple[Path, ClipItem]],
) -> tuple[list[ClipItem], list[str]]:
    """Look at every file's header, so that a run does not end hours later at a bad one.

    Returns:
        The items whose files can be opened, and a line for each other one.
    """

    def problem(path: Path) -> str:
        if not path.is_file():
            return f"cannot read {path}: there is no such file"
        try:
            frames = soundfile.info(path).frames
        except (OSError, TypeError, soundfile.LibsndfileError) as err:  # TypeError: of .raw
            return f"cannot read {path}: {err}"
        return "" if frames else f"{path} holds no samples"

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(problem, [path for path, _ in items]))
    good = [item for (_, item), reason in zip(items, found, strict=True) if not reason]
    return good, [reason for reason in found if reason]


class ClipSource:
    """Clips in a new order each epoch.

    Args:
        items: The clips.
        n_labels: Length of a target.
        max_samples: Longer clips lose their end, as AST's do.
        window_samples: Every clip becomes a window of this length (`as_window`); 0 leaves short
            clips short, and their log-mel is padded as AST pads it.
        seed: Of the orders.
        shuffle: Whether the order changes at all.
        balanced: Draw with replacement by class weight, as AST on full AudioSet: a clip weighs the
            sum of 1000 / (count + 0.01) over its labels.
    """

    def __init__(
        self,
        items: Sequence[ClipItem],
        n_labels: int,
        *,
        max_samples: int,
        seed: int,
        window_samples: int = 0,
        shuffle: bool = True,
        balanced: bool = False,
    ) -> None:
        self._items = items
        self.n_labels = n_labels
        self._max_samples = max_samples
        self._window_samples = window_samples
        self._seed = seed
        self._shuffle = shuffle
        self._weights = _class_weights(items, n_labels) if balanced else None
        self._epoch = -1
        self._order_now: npt.NDArray[np.int64] = np.arange(len(items))

    @property
    def epoch_windows(self) -> int:
        """Every clip once, or as many draws."""
        return len(self._items)

    def window(self, epoch: int, row: int, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """The clip that stands in a row of an epoch."""
        if self._shuffle and epoch != self._epoch:
            self._order_now, self._epoch = self._order(epoch), epoch
        return self._load(int(self._order_now[row]))

    def partner(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Any clip, all alike."""
        return self._load(int(rng.integers(len(self._items))))

    def _order(self, epoch: int) -> npt.NDArray[np.int64]:
        rng = np.random.default_rng((self._seed, epoch, _ORDER))
        if self._weights is None:
            return rng.permutation(len(self._items))
        return rng.choice(len(self._items), len(self._items), p=self._weights)

    def _load(self, index: int) -> tuple[Float32, Float32]:
        item = self._items[index]
        samples = item.read()
        if len(samples) == 0:
            raise SourceError(f"{item.name} holds no samples; take it off the list")
        target = np.zeros(self.n_labels, np.float32)
        target[list(item.labels)] = 1
        if self._window_samples:
            return as_window(samples, self._window_samples), target
        return samples[: self._max_samples], target


def _class_weights(items: Sequence[ClipItem], n_labels: int) -> npt.NDArray[np.float64]:
    counts = np.zeros(n_labels)
    for item in items:
        counts[list(item.labels)] += 1
    of_class = 1000 / (counts + 0.01)
    weights = np.array([of_class[list(item.labels)].sum() for item in items])
    normalized: npt.NDArray[np.float64] = weights / weights.sum()
    return normalized
