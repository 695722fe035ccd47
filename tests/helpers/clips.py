"""Synthetic clips in the place of recordings."""

import numpy as np
from signals import RATE_HZ

from training.data.clips import Clip


def pcm(samples: np.ndarray) -> np.ndarray:
    return np.round(np.clip(samples, -1, 1) * 32_767).astype(np.int16)


def word_samples(hz: float, *, before_s: float = 0.3, length_s: float = 0.4) -> np.ndarray:
    """A tone as a word, in very faint noise, 1 s in all."""
    samples = 1e-4 * np.random.default_rng(int(hz)).standard_normal(RATE_HZ)
    first, n = round(before_s * RATE_HZ), round(length_s * RATE_HZ)
    samples[first : first + n] += 0.4 * np.sin(2 * np.pi * hz * np.arange(n) / RATE_HZ)
    return samples


def clip(kind: str, samples: np.ndarray, *, word: str = "", name: str = "") -> Clip:
    return Clip(
        path=name or f"{kind}/{word}/{len(samples)}",
        kind=kind,
        word=word,
        speaker="",
        split="train",
        samples=pcm(samples),
    )


def small_corpus() -> list[Clip]:
    """Two words of three voices, speech, another word, noise."""
    rng = np.random.default_rng(0)
    clips = [
        clip("word", word_samples(hz + voice), word=word, name=f"{word}/{voice}")
        for word, hz in (("yes", 700), ("no", 2_000))
        for voice in (0, 40, 80)
    ]
    clips.append(clip("speech", 0.2 * rng.standard_normal(5 * RATE_HZ), name="speech/a"))
    clips.append(clip("other_word", word_samples(4_000), name="other/a"))
    clips.append(clip("noise", 0.1 * rng.standard_normal(3 * RATE_HZ), name="noise/a"))
    return clips
