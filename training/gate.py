"""The gate of an export: another precision and float32 listen to the same real audio.

Both are run through the StreamScorer and the Detector that ship, over spoken words, running speech
and noise. A precision that changes more than the limits in training/parity.py is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

import numpy as np

from engine.backends import Backend
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ, Clip
from training.evaluation.events import Heard, match_events
from training.evaluation.material import Material
from training.evaluation.report import spoken
from training.evaluation.scored import ScoredStream, detect, score_stream
from training.evaluation.streams import (
    Condition,
    Stream,
    background_stream,
    noise_bed,
    word_stream,
    word_track,
)
from training.parity import MIN_WINDOWS, Parity
from training.precision import advice
from training.progress import ProgressReport

# A word that fires up to two hops earlier or later is the same decision.
SAME_S = 0.2
_BACKGROUNDS = ("speech", "noise")
_CLIPS_PER_WORD = 20
_BACKGROUND_S = 15 * 60
_SEED = 1


def gate(
    precision: str,
    scored_by: str,
    manifest: ModelManifest,
    backends: tuple[Backend, Backend],
    streams: Sequence[Stream],
) -> Parity:
    """Compare a precision with float32, and refuse it where it changes too much.

    Args:
        precision: For the message and the manifest.
        scored_by: What runs it, for the manifest.
        manifest: The model; its decision is the one that is compared.
        backends: Float32, and the precision; entered here.
        streams: What to listen to, of `gate_streams`.

    Raises:
        ConfigError: There are too few windows, or the gate is not passed.
    """
    floats, others = _Listener(backends[0], "fp32"), _Listener(backends[1], precision)
    before, after = [], []
    with (
        floats,
        others,
        ProgressReport(f"comparing {precision}", len(streams), unit="streams") as progress,
    ):
        for stream in streams:
            before.append(score_stream(manifest, floats, stream))
            after.append(score_stream(manifest, others, stream))
            progress.advance(note=stream.name)
    found = _compare(precision, scored_by, manifest, (floats, others), (before, after))
    if failures := found.failures():
        raise ConfigError(
            f"{precision} is refused: {'; '.join(failures)}. {advice(precision)}. "
            f"Figures: {found.text}"
        )
    return found


def gate_streams(material: Material, keywords: Sequence[str]) -> list[Stream]:
    """What the gate listens to, of a data folder.

    Args:
        material: Of a split that the model was not trained on.
        keywords: Of the model.

    Raises:
        ConfigError: There are no words, or neither running speech nor noise.
    """
    streams = real_streams(material, keywords)
    if len(streams) == 1:
        raise ConfigError(
            "the data has neither running speech nor noise in this split; the gate counts false "
            "alarms there: put recordings into _speech_ or _noise_"
        )
    return streams


def real_streams(material: Material, keywords: Sequence[str]) -> list[Stream]:
    """Spoken words first, then those of running speech and noise that there are.

    Raises:
        ConfigError: There are no words.
    """
    there = material.words(keywords)
    clips = material.clips
    if not there:
        raise ConfigError(
            f"the {material.origin['split']} split has no clip of {', '.join(keywords)}: a "
            "precision is judged by what it misses; name --data with keywords of the model"
        )
    track = word_track(clips, there, most_per_word=_CLIPS_PER_WORD, seed=_SEED)
    backgrounds = [
        background_stream(list(_first(clips, kind)), kind)
        for kind in _BACKGROUNDS
        if any(clip.kind == kind for clip in clips)
    ]
    return [word_stream(track, Condition(), noise_bed(clips, seed=_SEED)), *backgrounds]


def _first(clips: Sequence[Clip], kind: str) -> Iterator[Clip]:
    """Clips of a kind until there is enough audio; the last one is cut."""
    left = _BACKGROUND_S * SAMPLE_RATE_HZ
    for clip in clips:
        if clip.kind == kind and left > 0:
            yield replace(clip, samples=clip.samples[:left])
            left -= len(clip.samples)


class _Listener:
    """A backend that keeps its logits."""

    def __init__(self, backend: Backend, precision: str) -> None:
        self.name = backend.name
        self.logits: list[Float32] = []
        self._backend = backend
        self._precision = precision

    def __enter__(self) -> Self:
        self._backend.__enter__()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._backend.__exit__(*exc_info)

    def infer(self, model_inputs: Float32) -> Float32:
        logits = self._backend.infer(model_inputs)
        if not np.isfinite(logits).all():
            raise ConfigError(
                f"{self._precision} is refused: the logits of window {len(self.logits) + 1} are no "
                f"finite numbers: something overflows. {advice(self._precision)}"
            )
        self.logits.extend(logits)
        return logits


def _compare(
    precision: str,
    scored_by: str,
    manifest: ModelManifest,
    listeners: tuple[_Listener, _Listener],
    scored: tuple[list[ScoredStream], list[ScoredStream]],
) -> Parity:
    n = len(listeners[0].logits)
    if n < MIN_WINDOWS:
        raise ConfigError(
            f"the data gives {n} windows; the gate of a precision takes at least {MIN_WINDOWS}: "
            "give more recordings"
        )
    floats, others = (np.array(listener.logits) for listener in listeners)
    differences = np.abs(floats - others)
    totals = [_decided(manifest, items) for items in scored]
    (heard, missed, alarms), (heard_now, missed_now, alarms_now) = totals
    same = sum(_in_common(a, b) for a, b in zip(heard, heard_now, strict=True))
    decisions = sum(map(len, heard))
    backgrounds = [item for item in scored[0] if item.stream.kind != "words"]
    listening = manifest.decision.operating_points
    return Parity(
        precision=precision,
        scored_by=scored_by,
        windows=n,
        largest=float(differences.max()),
        mean=float(differences.mean()),
        changed_labels=int((floats.argmax(axis=1) != others.argmax(axis=1)).sum()),
        decisions=decisions,
        gained=sum(map(len, heard_now)) - same,
        lost=decisions - same,
        words=sum(len(spoken(item, listening)) for item in scored[0]),
        missed=(missed, missed_now),
        hours=sum(item.hours for item in backgrounds),
        alarms=(alarms, alarms_now),
    )


def _decided(
    manifest: ModelManifest, scored: Sequence[ScoredStream]
) -> tuple[list[list[Heard]], int, int]:
    """Detections of each stream, words missed, alarms on backgrounds."""
    heard = [detect(manifest, item, manifest.decision) for item in scored]
    missed = alarms = 0
    for item, detections in zip(scored, heard, strict=True):
        matching = match_events(spoken(item, manifest.decision.operating_points), detections)
        missed += len(matching.missed)
        alarms += len(matching.alarms) if item.stream.kind != "words" else 0
    return heard, missed, alarms


def _in_common(some: Sequence[Heard], others: Sequence[Heard]) -> int:
    """How many detections two runs share, each matched once."""
    left = list(others)
    common = 0
    for heard in some:
        for other in left:
            if other.keyword == heard.keyword and abs(other.time_s - heard.time_s) <= SAME_S:
                left.remove(other)
                common += 1
                break
    return common
