"""Streams with known truth: words at random gaps, as a place and a microphone would give them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.errors import ConfigError
from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ, Clip, speech_extent
from training.data.noises import coloured_noise
from training.evaluation.events import Reference
from training.evaluation.rooms import Room, in_room

_FADE_SAMPLES = 160
_WORD_RMS = 0.05
_CLEAN_NOISE_DB = -70.0
_GAPS_S = (1.2, 3.0)
_REPEAT_GAPS_S = (0.5, 1.2)
_SILENT_PEAK = 2  # of 32767
_BED_SAMPLES = 30 * SAMPLE_RATE_HZ


@dataclass(frozen=True, kw_only=True)
class Condition:
    """Where words are spoken, and how they reach the program.

    Attributes:
        snr_db: Mean power of each word over that of the noise; None for a faint white noise.
        room: Room that words and noise are heard in; None for none.
        gain_db: On everything; above 0 the loudest samples clip.
    """

    snr_db: float | None = None
    room: Room | None = None
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no level."""
        for name, value in (("snr_db", self.snr_db or 0.0), ("gain_db", self.gain_db)):
            if not -100 <= value <= 100:
                raise ConfigError(f"{name} is {value:g}; it must be -100 to 100")

    @property
    def name(self) -> str:
        """For people."""
        parts = [] if self.snr_db is None else [f"{self.snr_db:g} dB"]
        parts += [self.room.name] if self.room else []
        parts += [f"gain {self.gain_db:+g} dB"] if self.gain_db else []
        return ", ".join(parts) or "clean"


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A long recording and what is said in it.

    Attributes:
        name: For reports.
        kind: "words", or the kind of a background: "speech", "noise", "other_word".
        samples: 16 kHz mono, shape [n].
        references: The keywords; empty for backgrounds.
        condition: Of words.
    """

    name: str
    kind: str
    samples: Float32
    references: tuple[Reference, ...] = ()
    condition: Condition = Condition()

    @property
    def hours(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE_HZ / 3600


@dataclass(frozen=True, kw_only=True)
class WordTrack:
    """Words at gaps, without any background.

    Attributes:
        samples: 16 kHz mono, shape [n]; every word has the same power.
        references: What is said where.
        seed: Of the choice, the order and the gaps.
    """

    samples: Float32
    references: tuple[Reference, ...]
    seed: int


def word_track(
    clips: Sequence[Clip],
    keywords: Sequence[str],
    *,
    most_per_word: int,
    seed: int,
    repeated: bool = False,
) -> WordTrack:
    """Words of held-out speakers at gaps of 1.2 to 3 s.

    Args:
        clips: Where to take them from.
        keywords: Which words to take.
        most_per_word: Clips taken of each word, at most; each clip is used once.
        seed: Of the choice, the order and the gaps.
        repeated: Say each word several times, word by word, at gaps of 0.5 to 1.2 s.

    Raises:
        ConfigError: No clip holds any of the keywords.
    """
    rng = np.random.default_rng(seed)
    chosen = _choose(clips, keywords, most_per_word, rng)
    if repeated:
        chosen.sort(key=lambda clip: clip.word)
    if not chosen:
        raise ConfigError(f"no clip of {', '.join(keywords)} is there to be spoken in a stream")
    parts: list[Float32] = []
    references = []
    position = 0
    for clip in chosen:
        gap_s = rng.uniform(*(_REPEAT_GAPS_S if repeated else _GAPS_S))
        gap = np.zeros(int(gap_s * SAMPLE_RATE_HZ), np.float32)
        start, stop = speech_extent(clip.samples)
        word = _faded(clip.samples[start:stop])
        # Equal power, so that one noise level gives every word the same ratio.
        word *= np.float32(_WORD_RMS / (np.sqrt(np.mean(word**2)) + 1e-9))
        parts += [gap, word]
        onset = position + len(gap)
        position = onset + len(word)
        references.append(
            Reference(
                keyword=clip.word,
                onset_s=onset / SAMPLE_RATE_HZ,
                offset_s=position / SAMPLE_RATE_HZ,
                speaker=clip.speaker,
                synthetic=clip.synthetic,
            )
        )
    parts.append(np.zeros(2 * SAMPLE_RATE_HZ, np.float32))
    return WordTrack(samples=np.concatenate(parts), references=tuple(references), seed=seed)


def word_stream(track: WordTrack, condition: Condition, noise: Float32) -> Stream:
    """A track in a place: noise, room, gain, and the 16 bits of a microphone.

    Args:
        track: The words.
        condition: The place.
        noise: Background of any power, repeated as needed, shape [n].
    """
    n = len(track.samples)
    if condition.snr_db is None:
        background = np.random.default_rng(track.seed).standard_normal(n, np.float32)
        level_db = _CLEAN_NOISE_DB
    else:
        background = np.resize(noise, n)
        level_db = 20 * np.log10(_WORD_RMS) - condition.snr_db
    background = background / (np.sqrt(np.mean(background**2)) + 1e-9)
    mixed = track.samples + background * np.float32(10 ** (level_db / 20))
    if condition.room:
        mixed = in_room(mixed, condition.room)
    mixed = mixed * np.float32(10 ** (condition.gain_db / 20))
    return Stream(
        name=f"words, {condition.name}",
        kind="words",
        samples=_as_16_bits(mixed),
        references=track.references,
        condition=condition,
    )


def background_stream(clips: Sequence[Clip], kind: str) -> Stream:
    """All recordings of one kind end to end, half a second apart, without references."""
    parts: list[Float32] = []
    for clip in clips:
        if clip.kind == kind:
            parts += [_faded(clip.samples), np.zeros(SAMPLE_RATE_HZ // 2, np.float32)]
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return Stream(name=kind, kind=kind, samples=_as_16_bits(samples))


def noise_bed(clips: Sequence[Clip], *, seed: int) -> Float32:
    """All noises end to end, each at the same power; coloured noise where there is none."""
    parts = [clip.samples.astype(np.float32) for clip in clips if clip.kind == "noise"]
    parts = [part for part in parts if np.abs(part).max() >= _SILENT_PEAK]  # no noise is no bed
    if not parts:
        rng = np.random.default_rng(seed)
        parts = [coloured_noise(SAMPLE_RATE_HZ, rng) for _ in range(_BED_SAMPLES // SAMPLE_RATE_HZ)]
    return np.concatenate([part / (np.sqrt(np.mean(part**2)) + 1e-9) for part in parts])


def _choose(
    clips: Sequence[Clip], keywords: Sequence[str], most: int, rng: np.random.Generator
) -> list[Clip]:
    by_word: dict[str, list[Clip]] = defaultdict(list)
    for clip in clips:
        if clip.kind == "word" and clip.word in keywords:
            by_word[clip.word].append(clip)
    chosen = []
    for word in keywords:
        order = rng.permutation(len(by_word[word]))[:most]
        chosen += [by_word[word][i] for i in order]
    return [chosen[i] for i in rng.permutation(len(chosen))]


def _as_16_bits(samples: Float32) -> Float32:
    """What is left of samples once they were written as 16-bit integers."""
    pcm: Float32 = np.clip(np.round(samples * 32_768), -32_768, 32_767).astype(np.float32)
    return pcm / np.float32(32_768)


def _faded(samples: np.ndarray) -> Float32:
    faded = samples.astype(np.float32) / np.float32(32768)
    if len(faded) > 2 * _FADE_SAMPLES:
        ramp = np.linspace(0, 1, _FADE_SAMPLES, dtype=np.float32)
        faded[:_FADE_SAMPLES] *= ramp
        faded[-_FADE_SAMPLES:] *= ramp[::-1]
    return faded
