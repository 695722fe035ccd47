"""The last minute: what was heard and what became of it, so that any moment can be explained.

Filled on the scorer thread, read on the window's. Everything in it is bounded.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.config import DecisionConfig
from engine.features import fbank, model_input, pad_log_mel
from engine.manifest import ModelManifest
from engine.ring import RingBuffer
from engine.scorer import ScoredWindow
from engine.types import Float32

KEPT_S = 60
_UNSCORED_S = 2
# At this level a 16-bit recorder has run out of numbers.
_CLIPPED = 0.999


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One scored window.

    Attributes:
        end_sample: End of the window.
        probs: Posteriors before smoothing, shape [n_labels].
        smoothed: After it, shape [n_labels].
        held_back: Keywords that reached their threshold and did not fire, and why.
        fired: The keyword that fired, or "".
        decision: What decided.
        seen_at_s: When it was scored, on the monotonic clock.
        columns: Newest frames of what the model saw, shape [n_new, n_mels].
    """

    end_sample: int
    probs: Float32
    smoothed: Float32
    held_back: Mapping[str, str]
    fired: str
    decision: DecisionConfig
    seen_at_s: float
    columns: Float32


@dataclass(frozen=True, kw_only=True)
class Level:
    """How loud it was since the last look.

    Attributes:
        peak: Largest magnitude, 1 is full scale.
        samples: How many samples it is the peak of.
        clipped: Samples at full scale.
    """

    peak: float = 0.0
    samples: int = 0
    clipped: int = 0


class LastMinute:
    """Keeps a minute of audio and of scored windows.

    Args:
        manifest: The model.
    """

    def __init__(self, manifest: ModelManifest) -> None:
        self._manifest = manifest
        # The oldest window began a window ago, and what is not scored yet is heard already.
        slack = manifest.windows.window_samples + _UNSCORED_S * manifest.fbank.sample_rate_hz
        self._audio = RingBuffer(KEPT_S * manifest.fbank.sample_rate_hz + slack)
        windows = KEPT_S * manifest.fbank.sample_rate_hz // manifest.windows.hop_samples
        self._moments: deque[Moment] = deque(maxlen=windows)
        self._fresh: deque[Moment] = deque(maxlen=windows)
        self._level = Level()
        self._lock = threading.Lock()

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take audio; for `Pipeline.on_audio`."""
        if lost_samples:
            silence = min(lost_samples, self._audio.capacity)
            self._audio.advance(lost_samples - silence)
            self._audio.write(np.zeros((silence, 1), np.float32))
        if not len(samples):
            return
        self._audio.write(samples[:, None])
        peak = float(max(samples.max(), -samples.min()))
        # Fifty blocks come in a second, and hardly one of them clips.
        clipped = int((np.abs(samples) >= _CLIPPED).sum()) if peak >= _CLIPPED else 0
        with self._lock:
            self._level = Level(
                peak=max(peak, self._level.peak),
                samples=self._level.samples + len(samples),
                clipped=self._level.clipped + clipped,
            )

    def see(self, scored: ScoredWindow) -> None:
        """Take a scored window; for `Pipeline.on_window`."""
        moment = Moment(
            end_sample=scored.posteriors.end_sample,
            probs=scored.posteriors.probs,
            smoothed=scored.smoothed,
            held_back=scored.held_back,
            fired=scored.detections[0].keyword if scored.detections else "",
            decision=scored.decision,
            seen_at_s=time.monotonic(),
            columns=self._newest_frames(scored),
        )
        with self._lock:
            self._moments.append(moment)
            self._fresh.append(moment)

    def take_fresh(self) -> list[Moment]:
        """Windows that were scored since the last call."""
        with self._lock:
            fresh = list(self._fresh)
            self._fresh.clear()
        return fresh

    def take_level(self) -> Level:
        """How loud it was since the last call."""
        with self._lock:
            level, self._level = self._level, Level()
        return level

    def moments(self) -> list[Moment]:
        """All windows of the last minute, oldest first."""
        with self._lock:
            return list(self._moments)

    def nearest(self, end_sample: int) -> Moment | None:
        """The window whose end is nearest to a sample; None if nothing was scored near it."""
        hop = self._manifest.windows.hop_samples
        moments = self.moments()
        best = min(moments, key=lambda m: abs(m.end_sample - end_sample), default=None)
        return best if best is not None and abs(best.end_sample - end_sample) <= hop else None

    def audio(self, end_sample: int, n_samples: int) -> Float32 | None:
        """Samples up to a time, shape [n]; None if they are gone or still to come.

        Before the beginning of the stream there is nothing, so there may be fewer.
        """
        start = max(0, end_sample - n_samples)
        if end_sample > self._audio.end or end_sample - start > self._audio.capacity:
            return None
        samples = self._audio.read(start, end_sample - start)
        return None if samples is None else samples[:, 0]

    def features(self, moment: Moment) -> Float32 | None:
        """What the model saw in a window, shape [target_frames, n_mels]; None if it is gone.

        It is computed again, to the same bits: a minute of them would fill 30 MB.
        """
        samples = self.audio(moment.end_sample, self._manifest.windows.window_samples)
        if samples is None or len(samples) < self._manifest.windows.window_samples:
            return None
        config = self._manifest.fbank
        prepare = model_input if self._manifest.normalization == "outside" else pad_log_mel
        return prepare(fbank(samples, config), config)

    def _newest_frames(self, scored: ScoredWindow) -> Float32:
        """The frames that this window has and the one before it had not."""
        config, windows = self._manifest.fbank, self._manifest.windows
        n_frames = config.n_frames(windows.window_samples)
        new = windows.hop_samples // config.frame_hop_samples
        if not self._moments or scored.skipped_windows:
            new = n_frames
        # A copy: a view would keep the whole window alive.
        return scored.features[max(0, n_frames - new) : n_frames].copy()
