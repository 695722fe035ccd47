"""Builds training windows as a live stream shows them.

A model taught on tidy one-second clips fires at running speech, at words cut by the window's
edge and at fans. So every window is composed anew: a word anywhere inside the window or cut by
its edge, a neighbour word, running speech, other words, noise or near silence; at any level, in
noise at any ratio.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from engine.types import Float32
from training.data.clips import SAMPLE_RATE_HZ, Clip, speech_extent
from training.data.noises import clicks, coloured_noise, hum, reverberate, white_noise
from training.data.scene_config import SceneConfig

SILENCE = "_silence_"
UNKNOWN = "_unknown_"
_FADE_SAMPLES = 160
_FADE_IN = np.linspace(0, 1, _FADE_SAMPLES, dtype=np.float32)
_POWER_SAMPLES = 320
# Below this share of a word inside the window nobody could name it; above the upper bound it
# counts as whole. Between them the target goes over linearly from `_unknown_` to the word.
_CUT_UNKNOWN = 0.5
_CUT_WHOLE = 0.85
# Pieces of speech that are glued together hold at most this share of a keyword.
_LONGEST_PIECE_SHARE = 0.45
_SHORTEST_PIECE, _LONGEST_PIECE = 2_000, 7_000


class _Word(NamedTuple):
    """A clip, and where in it the word begins and ends, in samples."""

    clip: Clip
    start: int
    stop: int


class SceneMaker:
    """Draws windows and their targets from a corpus.

    Args:
        clips: Training clips.
        labels: Labels of the model; must hold `_silence_` and `_unknown_`.
        config: Shares and ranges.
    """

    def __init__(self, clips: Sequence[Clip], labels: Sequence[str], config: SceneConfig) -> None:
        self.config = config
        self.labels = list(labels)
        self._index = {label: i for i, label in enumerate(labels)}
        self._words: dict[str, list[_Word]] = defaultdict(list)
        for clip in clips:
            if clip.word in self._index:
                self._words[clip.word].append(_Word(clip, *speech_extent(clip.samples)))
        self._real_words = {
            word: [spoken for spoken in group if not spoken.clip.synthetic]
            for word, group in self._words.items()
        }
        self._synthetic_words = {
            word: [spoken for spoken in group if spoken.clip.synthetic]
            for word, group in self._words.items()
        }
        self._speech = [clip for clip in clips if clip.kind == "speech"]
        self._other = [clip for clip in clips if clip.kind == "other_word"]
        self._mistakes = [clip for clip in clips if clip.kind == "mistake"]
        self._noise = [clip for clip in clips if clip.kind == "noise"]
        self._speech_draws = _Draws([len(clip.samples) for clip in self._speech])
        self._keywords = sorted(self._words)
        counts = np.array([len(self._words[word]) for word in self._keywords], float)
        self._word_draws = _Draws(counts**config.count_power)

    @property
    def epoch_windows(self) -> int:
        """As many windows as there are clips of words."""
        return sum(len(group) for group in self._words.values())

    @property
    def n_labels(self) -> int:
        """Length of a target."""
        return len(self.labels)

    def window(self, epoch: int, row: int, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Draw a window.

        Args:
            epoch: Every epoch is as good as another.
            row: Every row is as good as another.
            rng: All randomness comes from here.

        Returns:
            Samples, shape [window_samples], and targets, shape [n_labels], that sum to 1.
        """
        target = np.zeros(len(self.labels), np.float32)
        return self._window(rng, target), target

    def partner(self, rng: np.random.Generator) -> tuple[Float32, Float32]:
        """Another window, to mix the first with."""
        return self.window(0, 0, rng)

    def _window(self, rng: np.random.Generator, target: Float32) -> Float32:
        config = self.config
        draw = rng.random()
        if draw < config.word_share:
            scene = self._word_scene(rng, target, cut=False)
        elif draw < config.word_share + config.cut_share:
            scene = self._word_scene(rng, target, cut=True)
        elif draw < config.word_share + config.cut_share + config.speech_share:
            target[self._index[UNKNOWN]] = 1
            spliced = rng.random() < config.splice_probability
            scene = self._spliced_scene(rng) if spliced else self._speech_scene(rng)
            if self._mistakes and rng.random() < config.mistake_share:
                scene = self._excerpt(self._mistakes[rng.integers(len(self._mistakes))], rng)
            if self._speech and rng.random() < config.overlap_probability:
                other = self._excerpt(self._speech[self._speech_draws(rng)], rng)
                scene = _mix(scene, other, rng.uniform(-3, 12))
        else:
            target[self._index[SILENCE]] = 1
            return _at_level(self._background(rng), rng, config.min_level_db - 25, -6.0)
        if rng.random() < config.reverb_probability:
            scene = reverberate(scene, rng)
        if rng.random() >= config.clean_probability:
            snr_db = rng.uniform(config.min_snr_db, config.max_snr_db)
            scene = _mix(scene, self._background(rng), snr_db)
        scene = _at_level(scene, rng, config.min_level_db, config.max_level_db)
        return np.clip(scene, -1, 1)

    def _word_scene(self, rng: np.random.Generator, target: Float32, *, cut: bool) -> Float32:
        n = self.config.window_samples
        word = self._keywords[self._word_draws(rng)]
        samples, start, stop = self._spoken(word, rng)
        length = stop - start
        share = 1.0
        if cut:
            share = float(rng.uniform(0.1, 0.95))
            offset = round((share - 1) * length) if rng.random() < 0.5 else int(n - share * length)
        else:
            offset = int(rng.integers(0, n - length + 1)) if length < n else (n - length) // 2
        weight = float(np.clip((share - _CUT_UNKNOWN) / (_CUT_WHOLE - _CUT_UNKNOWN), 0, 1))
        target[self._index[word]] = weight
        target[self._index[UNKNOWN]] += 1 - weight
        scene = _placed(samples, offset - start, n)
        if not cut and rng.random() < self.config.neighbour_probability:
            scene += self._neighbour(offset, offset + length, rng)
        return scene

    def _neighbour(self, start: int, stop: int, rng: np.random.Generator) -> Float32:
        """A second word that leaves at least 100 ms to the first and shows at most half."""
        n = self.config.window_samples
        gap = int(rng.uniform(0.1, 0.5) * SAMPLE_RATE_HZ)
        word = self._keywords[rng.integers(len(self._keywords))]
        samples, word_start, word_stop = self._spoken(word, rng)
        length = word_stop - word_start
        if rng.random() < 0.5:
            visible, offset = start - gap, start - gap - length
        else:
            visible, offset = n - stop - gap, stop + gap
        if not 0 < visible <= length // 2:
            return np.zeros(n, np.float32)
        only_word = samples[word_start:word_stop]
        return _placed(only_word, offset, n) * np.float32(rng.uniform(0.5, 1.5))

    def _spoken(self, word: str, rng: np.random.Generator) -> tuple[Float32, int, int]:
        """A clip of a word at a random speed and unit peak, with its extent."""
        group = self._words[word]
        real = self._real_words[word]
        if self.config.real_share is not None and 0 < len(real) < len(group):
            from_people = rng.random() < self.config.real_share
            group = real if from_people else self._synthetic_words[word]
        spoken = group[rng.integers(len(group))]
        samples = spoken.clip.samples.astype(np.float32)
        samples /= max(1.0, float(np.abs(samples).max()))
        factor = 1 + rng.uniform(-1, 1) * self.config.speed_range
        return (
            _resampled(samples, factor),
            round(spoken.start / factor),
            round(spoken.stop / factor),
        )

    def _speech_scene(self, rng: np.random.Generator) -> Float32:
        if not self._speech and not self._other:
            return self._backward_word(rng)
        if not self._speech or (self._other and rng.random() < 0.25):
            clip = self._other[rng.integers(len(self._other))]
        else:
            clip = self._speech[self._speech_draws(rng)]
        return self._excerpt(clip, rng)

    def _excerpt(self, clip: Clip, rng: np.random.Generator) -> Float32:
        """Any second of a clip at a random speed and unit peak."""
        n = self.config.window_samples
        factor = 1 + rng.uniform(-1, 1) * self.config.speed_range
        samples = _resampled(_crop(clip.samples, int(n * factor) + 2, rng), factor)[:n]
        return _placed(samples / max(1.0, float(np.abs(samples).max())), 0, n)

    def _spliced_scene(self, rng: np.random.Generator) -> Float32:
        """Pieces of speech and of words glued together: what sounds like talk and says nothing."""
        n = self.config.window_samples
        scene = np.zeros(n, np.float32)
        position = 0
        while position < n:
            piece = self._piece(rng)
            level = np.sqrt(float(np.mean(piece**2))) + 1e-6
            piece *= np.float32(10 ** (rng.uniform(-26, -14) / 20) / level)
            scene += _placed(piece, position, n)
            position += len(piece) - _FADE_SAMPLES
            if rng.random() < 0.2:
                position += int(rng.integers(800, 4_000))
        return scene

    def _piece(self, rng: np.random.Generator) -> Float32:
        length = int(rng.integers(_SHORTEST_PIECE, _LONGEST_PIECE))
        draw = rng.random()
        if draw < 0.5 and self._speech:
            return _crop(self._speech[self._speech_draws(rng)].samples, length, rng)
        if draw < 0.65 and self._other:
            return _crop(self._other[rng.integers(len(self._other))].samples, length, rng)
        word = self._keywords[rng.integers(len(self._keywords))]
        samples, start, stop = self._spoken(word, rng)
        length = max(_SHORTEST_PIECE, min(length, int(_LONGEST_PIECE_SHARE * (stop - start))))
        return _crop(samples[start:stop], length, rng)

    def _backward_word(self, rng: np.random.Generator) -> Float32:
        """A keyword played backward: speech that is no word, where there is no other speech."""
        n = self.config.window_samples
        word = self._keywords[rng.integers(len(self._keywords))]
        samples, start, stop = self._spoken(word, rng)
        backward = samples[start:stop][::-1]
        return _placed(backward, int(rng.integers(-len(backward) // 2, n - len(backward) // 2)), n)

    def _background(self, rng: np.random.Generator) -> Float32:
        """Noise of unit peak: recorded, coloured, babble, sparse clicks, hum, or a mixture."""
        n = self.config.window_samples
        draw = rng.random()
        if draw < 0.5 and self._noise:
            clip = self._noise[rng.integers(len(self._noise))]
            factor = 1 + rng.uniform(-1, 1) * 0.3
            noise = _resampled(_crop(clip.samples, int(n * factor) + 2, rng), factor)[:n]
        elif draw < 0.75:
            noise = coloured_noise(n, rng)
        elif draw < 0.87 and self._speech:
            noise = self._babble(rng)
        elif draw < 0.94:
            noise = clicks(n, rng)
        else:
            noise = hum(n, rng) + np.float32(0.1) * coloured_noise(n, rng)
        noise = _placed(noise, 0, n)
        return noise / max(1e-6, float(np.abs(noise).max()))

    def _babble(self, rng: np.random.Generator) -> Float32:
        n = self.config.window_samples
        total = np.zeros(n, np.float32)
        for _ in range(int(rng.integers(4, 9))):
            clip = self._speech[self._speech_draws(rng)]
            crop = _crop(clip.samples, n, rng)
            total[: len(crop)] += crop / max(1.0, float(np.abs(crop).max()))
        return total


class _Draws:
    """Indices in proportion to weights; faster than the generator's own choice by a search."""

    def __init__(self, weights: Sequence[float] | npt.NDArray[np.float64]) -> None:
        self._limits = np.cumsum(np.asarray(weights, float))

    def __call__(self, rng: np.random.Generator) -> int:
        return int(np.searchsorted(self._limits, rng.random() * self._limits[-1], side="right"))


def _crop(samples: np.ndarray, n: int, rng: np.random.Generator) -> Float32:
    first = int(rng.integers(0, max(1, len(samples) - n + 1)))
    crop: Float32 = samples[first : first + n].astype(np.float32)
    return crop


def _resampled(samples: Float32, factor: float) -> Float32:
    """Played `factor` times as fast, by linear interpolation."""
    positions = np.arange(int((len(samples) - 1) / factor)) * factor
    before = positions.astype(np.intp)
    positions -= before
    left: Float32 = samples.take(before)
    rise: Float32 = samples[1:].take(before) - left
    rise *= positions.astype(np.float32)
    return left + rise


def _placed(samples: Float32, offset: int, n: int) -> Float32:
    """Samples put at `offset` into n zeros, cut at the edges, faded at their own ends."""
    faded = samples.copy()
    if len(faded) > 2 * _FADE_SAMPLES:
        faded[:_FADE_SAMPLES] *= _FADE_IN
        faded[-_FADE_SAMPLES:] *= _FADE_IN[::-1]
    out = np.zeros(n, np.float32)
    first, last = max(0, offset), min(n, offset + len(faded))
    if first < last:
        out[first:last] = faded[first - offset : last - offset]
    return out


def _power(samples: Float32) -> float:
    """Mean power of the loud half, so that pauses don't count."""
    whole = len(samples) // _POWER_SAMPLES * _POWER_SAMPLES
    frames = samples[:whole].reshape(-1, _POWER_SAMPLES)
    energies = np.sort(np.einsum("ij,ij->i", frames, frames))
    return float(energies[len(energies) // 2 :].mean()) / _POWER_SAMPLES + 1e-12


def _mix(scene: Float32, noise: Float32, snr_db: float) -> Float32:
    gain = np.sqrt(_power(scene) / _power(noise) / 10 ** (snr_db / 10))
    return scene + noise * np.float32(gain)


def _at_level(scene: Float32, rng: np.random.Generator, min_db: float, max_db: float) -> Float32:
    """Scaled to a random peak, over a faint noise floor, with an occasional DC offset."""
    peak = max(1e-6, float(np.abs(scene).max()))
    scene = scene * np.float32(10 ** (rng.uniform(min_db, max_db) / 20) / peak)
    floor = 10 ** (rng.uniform(-110, -55) / 20)
    scene = scene + np.float32(floor) * white_noise(len(scene), rng)
    if rng.random() < 0.05:
        scene = scene + np.float32(rng.uniform(-0.1, 0.1))
    return scene
