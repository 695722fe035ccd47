"""All the thinking in one call: samples in, scored windows and detections out.

No thread, no device; the only clock is a stopwatch whose readings decide nothing. The pipeline
calls it live and the evaluation calls it over recordings, so what is measured is what ships.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from engine.backends import Backend
from engine.config import DecisionConfig
from engine.detection import Detector
from engine.features import WindowFbank, model_input, pad_log_mel
from engine.manifest import ModelManifest
from engine.ring import RingBuffer
from engine.types import Detection, Float32, Posteriors
from engine.windows import SlidingWindows

_RING_WINDOWS = 4


@dataclass(frozen=True, kw_only=True)
class ScoredWindow:
    """One window's outcome.

    Attributes:
        posteriors: Before smoothing.
        smoothed: After smoothing, shape [n_labels].
        features: What the model saw, shape [target_frames, n_mels].
        detections: What fired; none or one.
        held_back: Keywords that reached their threshold and did not fire, and why.
        decision: What decided.
        skipped_windows: Windows passed over just before, because scoring fell behind.
        feature_s: Time spent on features.
        inference_s: Time spent in the backend.
    """

    posteriors: Posteriors
    smoothed: Float32
    features: Float32
    detections: list[Detection]
    held_back: Mapping[str, str]
    decision: DecisionConfig
    skipped_windows: int
    feature_s: float
    inference_s: float


class StreamScorer:
    """Scores one stream.

    Args:
        manifest: The model.
        backend: Entered by the caller, on the calling thread.
        decision: Smoothing, refractory period and keywords.
        newest_only: Skip to the newest window when behind (live), or score every one.
        on_audio: Called with the samples that are taken, shape [n], before they are scored, and
            with the number of samples lost just before them.
        stopwatch: Monotonic seconds, for the measured times only.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        backend: Backend,
        decision: DecisionConfig,
        *,
        newest_only: bool = False,
        on_audio: Callable[[Float32, int], None] | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._manifest = manifest
        self._backend = backend
        self._newest_only = newest_only
        self._on_audio = on_audio
        self._stopwatch = stopwatch
        self._ring = RingBuffer(_RING_WINDOWS * manifest.windows.window_samples)
        self._windows = SlidingWindows(manifest.windows, newest_only=newest_only)
        self._fbank = WindowFbank(manifest.fbank)
        self._detector = Detector(manifest.labels, decision)

    @property
    def end_sample(self) -> int:
        """Samples taken so far, lost ones included."""
        return self._ring.end

    def process(self, samples: Float32) -> Iterator[ScoredWindow]:
        """Take samples and score every window that they complete.

        Args:
            samples: The next mono samples at the model's rate, shape [n], n may be 0.

        Yields:
            Scored windows in order.
        """
        # A recording is taken piece by piece, so that no window is overwritten before its turn.
        piece = (
            self._manifest.windows.hop_samples if not self._newest_only else max(1, len(samples))
        )
        for first in range(0, len(samples), piece):
            taken = samples[first : first + piece]
            if self._on_audio is not None:
                self._on_audio(taken, 0)
            self._ring.write(taken[:, None])
            while (window := self._windows.next(self._ring)) is not None:
                yield self._score(window.samples, window.end_sample, window.skipped_windows)

    def pass_gap(self, lost_samples: int) -> None:
        """Go on after samples were lost: time moves on, no window spans the gap."""
        if self._on_audio is not None:
            self._on_audio(np.empty(0, np.float32), lost_samples)
        self._ring.advance(lost_samples)
        self._windows.restart_after(self._ring.end)
        self._detector.forget_history()

    def set_decision(self, decision: DecisionConfig) -> None:
        """Decide otherwise from the next window on; raises ConfigError for unknown keywords."""
        self._detector.configure(decision)

    def _score(self, samples: Float32, end_sample: int, skipped_windows: int) -> ScoredWindow:
        manifest = self._manifest
        started = self._stopwatch()
        log_mel = self._fbank.compute(samples, end_sample)
        prepare = model_input if manifest.normalization == "outside" else pad_log_mel
        features = prepare(log_mel, manifest.fbank)
        featured = self._stopwatch()
        logits = self._backend.infer(features[None])[0]
        inferred = self._stopwatch()
        probs = posteriors_of(logits, manifest.activation)
        posteriors = Posteriors(probs=probs, end_sample=end_sample)
        detections = self._detector.update(posteriors)
        return ScoredWindow(
            posteriors=posteriors,
            smoothed=self._detector.smoothed,
            features=features,
            detections=detections,
            held_back=self._detector.held_back,
            decision=self._detector.config,
            skipped_windows=skipped_windows,
            feature_s=featured - started,
            inference_s=inferred - featured,
        )


def posteriors_of(logits: Float32, activation: str) -> Float32:
    """Posteriors of logits whose last axis are the labels, by a manifest's activation."""
    return softmax(logits) if activation == "softmax" else sigmoid(logits)


def softmax(logits: Float32) -> Float32:
    """Posteriors that sum to 1, shape as the logits."""
    with np.errstate(over="ignore"):  # of logits as far apart as float32 goes: exp(-inf) is 0
        shifted = np.exp(logits - logits.max())
    probs: Float32 = shifted / shifted.sum()
    return probs


def sigmoid(logits: Float32) -> Float32:
    """Independent posteriors, shape as the logits."""
    # Clipped where float32 saturates anyway, so that exp cannot overflow.
    probs: Float32 = (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)
    return probs
