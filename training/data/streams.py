"""Streams with known truth: words at random gaps over a steady background."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ, Clip, speech_extent
from training.metrics import Reference

_FADE_SAMPLES = 160
_CLEAN_NOISE_DB = -70.0


@dataclass(frozen=True, kw_only=True)
class Stream:
    """A long recording and what is said in it.

    Attributes:
        name: For reports.
        samples: 16 kHz mono, shape [n].
        references: The keywords; empty for backgrounds.
    """

    name: str
    samples: Float32
    references: tuple[Reference, ...]

    @property
    def hours(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE_HZ / 3600


def word_stream(
    clips: Sequence[Clip],
    keywords: Sequence[str],
    noise: Float32,
    *,
    snr_db: float | None,
    most_per_word: int,
    seed: int,
) -> Stream:
    """Words of held-out speakers at gaps of 1.2 to 3 s, in noise.

    Args:
        clips: Validation clips.
        keywords: Which words to take.
        noise: Background, repeated as needed, shape [n].
        snr_db: Mean power of each word over that of the noise; None for a faint white noise.
        most_per_word: Clips taken of each word, at most; each clip is used once.
        seed: Of the choice, the order, the gaps and the levels.

    Returns:
        The stream with its references.
    """
    rng = np.random.default_rng(seed)
    chosen = _choose(clips, keywords, most_per_word, rng)
    parts: list[Float32] = []
    references = []
    position = 0
    for clip in chosen:
        gap = np.zeros(int(rng.uniform(1.2, 3.0) * SAMPLE_RATE_HZ), np.float32)
        start, stop = speech_extent(clip.samples)
        word = _faded(clip.samples[start:stop])
        # Equal power, so that one noise level gives every word the same ratio.
        word *= np.float32(0.05 / (np.sqrt(np.mean(word**2)) + 1e-9))
        parts += [gap, word]
        onset = position + len(gap)
        position = onset + len(word)
        references.append(
            Reference(
                keyword=clip.word,
                onset_s=onset / SAMPLE_RATE_HZ,
                offset_s=position / SAMPLE_RATE_HZ,
            )
        )
    parts.append(np.zeros(2 * SAMPLE_RATE_HZ, np.float32))
    samples = np.concatenate(parts)
    if snr_db is None:
        background = rng.standard_normal(len(samples), np.float32)
        level_db = _CLEAN_NOISE_DB
    else:
        background = np.resize(noise, len(samples))
        level_db = 20 * np.log10(0.05) - snr_db
    background = background / (np.sqrt(np.mean(background**2)) + 1e-9)
    mixed = np.clip(samples + background * np.float32(10 ** (level_db / 20)), -1, 1)
    name = "words, clean" if snr_db is None else f"words, {snr_db:g} dB"
    return Stream(name=name, samples=mixed, references=tuple(references))


def background_stream(clips: Sequence[Clip], kind: str) -> Stream:
    """All recordings of one kind end to end, half a second apart, without references."""
    parts: list[Float32] = []
    for clip in clips:
        if clip.kind == kind:
            parts += [_faded(clip.samples), np.zeros(SAMPLE_RATE_HZ // 2, np.float32)]
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    return Stream(name=kind, samples=samples, references=())


def noise_bed(clips: Sequence[Clip]) -> Float32:
    """All noises end to end, each at the same power."""
    parts = []
    for clip in clips:
        if clip.kind == "noise":
            samples = clip.samples.astype(np.float32)
            parts.append(samples / (np.sqrt(np.mean(samples**2)) + 1e-9))
    return np.concatenate(parts)


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


def _faded(samples: np.ndarray) -> Float32:
    faded = samples.astype(np.float32) / np.float32(32768)
    if len(faded) > 2 * _FADE_SAMPLES:
        ramp = np.linspace(0, 1, _FADE_SAMPLES, dtype=np.float32)
        faded[:_FADE_SAMPLES] *= ramp
        faded[-_FADE_SAMPLES:] *= ramp[::-1]
    return faded
