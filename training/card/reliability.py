"""Whether posteriors mean what they say: how often the highest one is right, by its height."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.data.counts import PEOPLE, PROGRAMS
from training.data.folder import spoken_by_programs

BINS = 15


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Posteriors of clips against the truth.

    Attributes:
        clips: How many.
        folder: Name of the data folder.
        split: Which clips of it.
        speakers: "people" or "programs".
        counts: Clips in each bin of the highest posterior, [BINS].
        confidence: Mean highest posterior in each bin, NaN where empty.
        accuracy: Share that is right in each bin, NaN where empty.
    """

    clips: int
    folder: str
    split: str
    speakers: str
    counts: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]

    @property
    def ece(self) -> float:
        """Expected calibration error (Guo et al. 2017): mean gap of the bins, by their clips."""
        gaps = np.nan_to_num(np.abs(self.confidence - self.accuracy))
        return float((gaps * self.counts).sum() / self.clips)

    @property
    def mean_confidence(self) -> float:
        """Mean highest posterior."""
        return float((np.nan_to_num(self.confidence) * self.counts).sum() / self.clips)

    @property
    def mean_accuracy(self) -> float:
        """Share of clips that are right."""
        return float((np.nan_to_num(self.accuracy) * self.counts).sum() / self.clips)


def reliability_of(
    scores: npt.NDArray[np.floating], targets: npt.NDArray[np.floating], **origin: Any
) -> Reliability:
    """Bin clips by their highest posterior.

    Args:
        scores: Posteriors, [n, n_labels].
        targets: 0 and 1, [n, n_labels].
        **origin: `folder`, `split` and `speakers`.
    """
    highest = scores.max(axis=1).astype(np.float64)
    right = scores.argmax(axis=1) == targets.argmax(axis=1)
    bins = np.minimum((highest * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(
            clips=len(scores),
            counts=counts,
            confidence=np.bincount(bins, highest, BINS) / counts,
            accuracy=np.bincount(bins, right, BINS) / counts,
            **origin,
        )


def measure_reliability(model: Path, data: Path, split: str) -> Reliability:
    """Score the clips of words.

    Args:
        model: Model folder.
        data: Data folder of either kind.
        split: As in `python -m training evaluate`.

    Raises:
        ConfigError: The data has no such clip.
        SourceError: A recording cannot be read.
    """
    from training.clip_report import measure_clips
    from training.data.clip_source import memory_item
    from training.evaluation.material import read_material

    labels = list(load_manifest(model).labels)
    items = [
        memory_item(clip, (labels.index(clip.word),))
        for clip in read_material(data, split).clips
        if clip.kind == "word" and clip.word in labels
    ]
    if not items:
        raise ConfigError(f"{data} has no {split} clip of a word of {model}; name another --data")
    report = measure_clips([model], items, labels)
    origin = {"folder": data.name, "split": split}
    speakers = PROGRAMS if spoken_by_programs(data) else PEOPLE
    return reliability_of(report.scores, report.targets, speakers=speakers, **origin)
