"""Streams scored and decided through the code that ships."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from engine.backends import Backend
from engine.config import DecisionConfig
from engine.detection import Detector
from engine.manifest import ModelManifest
from engine.scorer import StreamScorer
from engine.types import Float32, Posteriors
from training.evaluation.events import Heard
from training.evaluation.streams import Stream

_PIECE_SAMPLES = 160_000


@dataclass(frozen=True, kw_only=True)
class ScoredStream:
    """What a model made of a stream.

    Attributes:
        stream: The truth; its samples are dropped, they would fill the memory.
        hours: Length of the stream.
        end_samples: End of each window, shape [n].
        posteriors: Before smoothing, shape [n, n_labels].
    """

    stream: Stream
    hours: float
    end_samples: npt.NDArray[np.int64]
    posteriors: Float32


def score_stream(
    manifest: ModelManifest,
    backend: Backend,
    stream: Stream,
    on_progress: Callable[[float], None] = lambda share: None,
) -> ScoredStream:
    """Posteriors of every window of a stream, through the shipped StreamScorer.

    Args:
        manifest: The model.
        backend: Entered by the caller.
        stream: What to score.
        on_progress: Told the share that is done, every few seconds of audio.
    """

    def pieces() -> Iterator[Float32]:
        n = len(stream.samples)
        for start in range(0, n, _PIECE_SAMPLES):
            on_progress(start / n)
            yield stream.samples[start : start + _PIECE_SAMPLES]

    return score_pieces(manifest, backend, stream, pieces())


def score_pieces(
    manifest: ModelManifest, backend: Backend, stream: Stream, pieces: Iterable[Float32]
) -> ScoredStream:
    """The same of a stream whose samples come piece by piece.

    Args:
        manifest: The model.
        backend: Entered by the caller.
        stream: What is known of it, without its samples.
        pieces: 16 kHz mono.
    """
    scorer = StreamScorer(manifest, backend, DecisionConfig())
    ends, posteriors = [], []
    for piece in pieces:
        for scored in scorer.process(piece):
            ends.append(scored.posteriors.end_sample)
            posteriors.append(scored.posteriors.probs)
    return ScoredStream(
        stream=replace(stream, samples=np.zeros(0, np.float32)),
        hours=scorer.end_sample / manifest.fbank.sample_rate_hz / 3600,
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
