"""Finds what a model takes for keywords in audio that has none: what it should be taught next."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from engine.errors import ConfigError
from engine.manifest import ModelManifest
from training.data.clips import SAMPLE_RATE_HZ, write_flac
from training.evaluation.material import Material, background_kinds
from training.evaluation.report import score_all
from training.evaluation.streams import background_stream
from training.evaluation.sweep import REARM_SHARE, smooth

_BEFORE_S, _AFTER_S = 1.25, 0.25  # around the end of the window that fired
_UNKNOWN_FOLDER = "_unknown_"


def mine(
    manifest: ModelManifest,
    material: Material,
    folder: Path,
    *,
    threshold: float,
    smoothing_windows: int = 1,
    workers: int = 2,
) -> dict[str, int]:
    """Write every stretch of a background that a model fires at, into a folder of corrections.

    Args:
        manifest: The model.
        material: Its backgrounds are searched; its words are not.
        folder: Plain folder to write; it must be new or empty.
        threshold: Of every keyword; low, so that near misses are found too.
        smoothing_windows: Windows to average.
        workers: Streams scored at a time.

    Returns:
        Keyword to how often it was found.

    Raises:
        ConfigError: The folder holds something, or there is no background.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name a new folder, or remove it")
    if not 0 < threshold <= 1:
        raise ConfigError(f"threshold is {threshold:g}; it must be above 0 and at most 1")
    streams = [background_stream(material.clips, kind) for kind in background_kinds(material.clips)]
    if not streams:
        raise ConfigError("the data has no running speech, no noise and no other words to search")
    (folder / _UNKNOWN_FOLDER).mkdir(parents=True, exist_ok=True)
    found: Counter[str] = Counter()
    scored = score_all(manifest, streams, workers=workers, total=len(streams))
    for stream, item in zip(streams, scored, strict=True):
        swept = smooth(item, manifest.labels, SAMPLE_RATE_HZ, smoothing_windows)
        for word in manifest.keywords:
            for heard in swept.firings(word, threshold, threshold * REARM_SHARE, 0):
                first = max(0, round((heard.time_s - _BEFORE_S) * SAMPLE_RATE_HZ))
                last = round((heard.time_s + _AFTER_S) * SAMPLE_RATE_HZ)
                name = f"{stream.kind}-{word.replace(' ', '-')}_nohash_{found[word]}.flac"
                pcm = np.round(stream.samples[first:last] * 32_768).astype(np.int16)
                write_flac(folder / _UNKNOWN_FOLDER / name, pcm)
                found[word] += 1
    return dict(found)
