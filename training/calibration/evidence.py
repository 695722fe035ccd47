"""What a model does with spoken keywords and with audio that has none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.backends import choose_backend
from engine.errors import ConfigError
from engine.manifest import ModelManifest
from training.calibration.peaks import alarm_peaks, join_peaks, word_peaks
from training.calibration.promise import FOLDS, Evidence
from training.data.clips import SAMPLE_RATE_HZ
from training.data.long_audio import files_of_rooms, hours_of, read_pieces
from training.evaluation.material import BACKGROUNDS, Material, background_kinds
from training.evaluation.report import score_all
from training.evaluation.scored import ScoredStream, score_pieces
from training.evaluation.streams import (
    Condition,
    Stream,
    background_stream,
    noise_bed,
    word_stream,
    word_track,
)
from training.evaluation.sweep import smooth
from training.progress import ProgressReport

CONDITIONS = (Condition(), Condition(snr_db=10.0), Condition(snr_db=0.0))
REPEATS = "repeats"


@dataclass(frozen=True, kw_only=True)
class Heard:
    """Everything scored once; smoothing and thresholds are tried on it.

    Attributes:
        words: Streams of spoken keywords, one for each condition.
        repeats: Keywords said several times in a row.
        negatives: Audio without keywords.
        hours: Length of what counts for the promise.
        described: Plain values for the manifest.
    """

    words: Sequence[ScoredStream]
    repeats: ScoredStream
    negatives: Sequence[ScoredStream]
    hours: float
    described: dict[str, Any]


def hours_without_keywords(material: Material, rooms: Sequence[Path]) -> float:
    """Hours that a promise may rest on, before anything is scored.

    Raises:
        SourceError: A room has no recording, or one that cannot be read.
    """
    if rooms:
        return sum(hours_of(file) for file in files_of_rooms(rooms))
    samples: dict[str, int] = dict.fromkeys(BACKGROUNDS, 0)
    for clip in material.clips:
        if clip.kind in samples:
            samples[clip.kind] += len(clip.samples) + SAMPLE_RATE_HZ // 2
    return (samples["speech"] or sum(samples.values())) / SAMPLE_RATE_HZ / 3600


def listen(
    manifest: ModelManifest,
    material: Material,
    keywords: Sequence[str],
    *,
    rooms: Sequence[Path] = (),
    most_per_word: int = 60,
    seed: int = 1,
    workers: int = 2,
) -> Heard:
    """Score all that thresholds are chosen from.

    Args:
        manifest: The model.
        material: Keywords to speak; its backgrounds too, where no room is named.
        keywords: Which are spoken.
        rooms: Recordings without keywords, or folders of them.
        most_per_word: Clips of a word, at most.
        seed: Of the streams.
        workers: Streams scored at a time.

    Raises:
        ConfigError: There is no keyword to speak or no audio without them.
        SourceError: A recording cannot be read.
    """
    if not keywords:
        raise ConfigError("the data has no clip of any keyword of the model; name other --data")

    def streams() -> Iterator[Stream]:
        clips = material.clips
        track = word_track(clips, keywords, most_per_word=most_per_word, seed=seed)
        bed = noise_bed(clips, seed=seed)
        for condition in CONDITIONS:
            yield word_stream(track, condition, bed)
        again = word_track(clips, keywords, most_per_word=most_per_word, seed=seed, repeated=True)
        yield replace(word_stream(again, Condition(), bed), name=REPEATS)
        for kind in kinds:
            yield background_stream(clips, kind)

    kinds = [] if rooms else background_kinds(material.clips)
    total = len(CONDITIONS) + 1 + len(kinds)
    scored = score_all(manifest, streams(), workers=workers, total=total)
    negatives = scored[len(CONDITIONS) + 1 :] + _score_rooms(manifest, rooms)
    hours_by_kind: dict[str, float] = {}
    for item in negatives:
        hours_by_kind[item.stream.kind] = hours_by_kind.get(item.stream.kind, 0) + item.hours
    if not negatives:
        raise ConfigError(
            "there is no audio without keywords to calibrate on; give --room, --record, or data "
            "with running speech and noise"
        )
    # Talk is what fires: a promise on hours that were filled up with fans would be worth nothing.
    hours = hours_by_kind.get("speech", sum(hours_by_kind.values()))
    described = {
        "hours_by_kind": {kind: round(value, 4) for kind, value in hours_by_kind.items()},
        "seed": seed,
        **({} if rooms else {"data": material.origin}),
    }
    return Heard(
        words=scored[: len(CONDITIONS)],
        repeats=scored[len(CONDITIONS)],
        negatives=negatives,
        hours=hours,
        described=described,
    )


def evidence_at(
    heard: Heard, manifest: ModelManifest, keywords: Sequence[str], smoothing_windows: int
) -> Evidence:
    """The peaks at one smoothing.

    Args:
        heard: What was scored.
        manifest: The model.
        keywords: Those that may fire.
        smoothing_windows: Windows to average.
    """
    rate_hz = manifest.fbank.sample_rate_hz
    words = {}
    for item in heard.words:
        stream = smooth(item, manifest.labels, rate_hz, smoothing_windows)
        words[item.stream.condition.name] = word_peaks(
            stream, keywords, item.stream.references, FOLDS
        )
    alarms = [
        alarm_peaks(smooth(item, manifest.labels, rate_hz, smoothing_windows), keywords, FOLDS)
        for item in heard.negatives
    ]
    return Evidence(keywords=keywords, alarms=join_peaks(alarms), words=words, hours=heard.hours)


def _score_rooms(manifest: ModelManifest, rooms: Sequence[Path]) -> list[ScoredStream]:
    files = files_of_rooms(rooms)
    scored = []
    if files:
        with (
            ProgressReport("listening to the room", len(files), unit="files") as progress,
            choose_backend("cpu", manifest).backend as backend,
        ):
            for file in files:
                empty = background_stream((), "room")
                scored.append(score_pieces(manifest, backend, empty, read_pieces(file)))
                progress.advance()
    return [item for item in scored if len(item.end_samples)]
