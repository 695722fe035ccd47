"""Scores clips and streams through the code that ships."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.backends import Backend
from engine.config import DecisionConfig, OperatingPoint
from engine.detection import Detector
from engine.features import fbank, model_input
from engine.manifest import ModelManifest
from engine.scorer import StreamScorer
from engine.types import Float32, Posteriors
from training.data.corpus import read_corpus
from training.data.streams import Stream
from training.metrics import Heard

COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
THRESHOLDS = (
    *(round(0.05 * i, 2) for i in range(2, 10)),
    *(round(0.01 * i, 2) for i in range(50, 98)),
    *(round(0.002 * i, 3) for i in range(490, 500)),
)
WORD_STREAM_SNRS_DB = (None, 10.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class ScoredStream:
    """A stream with the posteriors of all its windows.

    Attributes:
        stream: The audio and its truth.
        end_samples: End of each window, shape [n].
        posteriors: Before smoothing, shape [n, n_labels].
    """

    stream: Stream
    end_samples: npt.NDArray[np.int64]
    posteriors: Float32


def clip_accuracy(manifest: ModelManifest, backend: Backend, clips_folder: Path) -> tuple[int, int]:
    """Right answers among the real validation word clips.

    Each clip is cut or padded with zeros to one window; its highest label counts.

    Returns:
        Number right and number of clips.
    """
    right = total = 0
    n_samples = manifest.windows.window_samples
    for clip in read_corpus(clips_folder, "validation"):
        if clip.kind != "word":
            continue
        samples = np.zeros(n_samples, np.float32)
        part = clip.samples[:n_samples]
        samples[: len(part)] = part / np.float32(32768)
        features = model_input(fbank(samples, manifest.fbank), manifest.fbank)
        logits = backend.infer(features[None])[0]
        right += manifest.labels[int(logits.argmax())] == clip.word
        total += 1
    return right, total


def score_stream(manifest: ModelManifest, backend: Backend, stream: Stream) -> ScoredStream:
    """Posteriors of every window of a stream, through the shipped StreamScorer."""
    scorer = StreamScorer(manifest, backend, DecisionConfig())
    ends, posteriors = [], []
    for scored in scorer.process(stream.samples):
        ends.append(scored.posteriors.end_sample)
        posteriors.append(scored.posteriors.probs)
    return ScoredStream(
        stream=stream,
        end_samples=np.array(ends, np.int64),
        posteriors=np.array(posteriors, np.float32).reshape(-1, len(manifest.labels)),
    )


def detect(manifest: ModelManifest, scored: ScoredStream, decision: DecisionConfig) -> list[Heard]:
    """Detections of a scored stream, by the shipped Detector."""
    detector = Detector(manifest.labels, decision)
    rate_hz = manifest.fbank.sample_rate_hz
    heard = []
    for end, probs in zip(scored.end_samples, scored.posteriors, strict=True):
        heard += [
            Heard(keyword=detection.keyword, time_s=detection.end_sample / rate_hz)
            for detection in detector.update(Posteriors(probs=probs, end_sample=int(end)))
        ]
    return heard


def commands_at(
    threshold: float, *, smoothing_windows: int, refractory_samples: int
) -> DecisionConfig:
    """The ten commands at one threshold, re-armed below half of it."""
    point = OperatingPoint(threshold=threshold, rearm_threshold=threshold / 2)
    return DecisionConfig(
        smoothing_windows=smoothing_windows,
        refractory_samples=refractory_samples,
        operating_points=dict.fromkeys(COMMANDS, point),
    )


def lowest_threshold(
    false_alarms_at: Callable[[float], int], allowed: float, thresholds: Sequence[float]
) -> float:
    """The lowest threshold that keeps the allowed number of false alarms.

    Args:
        false_alarms_at: Counts them at a threshold.
        allowed: At most so many.
        thresholds: Candidates, rising.

    Returns:
        The lowest one above which no other breaks the limit; the highest one if even that does.
    """
    chosen = thresholds[-1]
    for threshold in reversed(thresholds):
        if false_alarms_at(threshold) > allowed:
            break
        chosen = threshold
    return chosen
