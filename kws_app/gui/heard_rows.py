"""Detections as rows of the history, with the time of day and their audio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from engine.types import Detection, Heard
from kws_app.gui.history import MAX_CLIPS, HeardRow
from kws_app.gui.stretch import Stretch
from kws_app.pcm import Int16, to_pcm

_CLIP_S = 1.5  # the window and half a second before it


def rows_of(
    heard: Sequence[Heard],
    stretch: Stretch,
    is_own: Callable[[Detection], bool] = lambda detection: False,
) -> list[HeardRow]:
    """Rows of what has just been heard.

    Args:
        heard: In order; only the last ones get their audio, as the history keeps no more.
        stretch: The stream that it was heard in; its memory has the audio.
        is_own: Whether a detection may come from a clip that the window played.
    """
    now = datetime.now()
    rows = []
    for left, event in zip(range(len(heard), 0, -1), heard, strict=True):
        detection = event.detection
        rows.append(
            HeardRow(
                at=now - timedelta(milliseconds=event.latency_ms),
                time_s=detection.end_sample / stretch.rate_hz,
                end_sample=detection.end_sample,
                stream=stretch.stream,
                keyword=detection.keyword,
                score=detection.score,
                threshold=detection.threshold,
                source=stretch.source,
                clip=_clip(stretch, detection.end_sample) if left <= MAX_CLIPS else None,
                is_own=is_own(detection),
            )
        )
    return rows


def _clip(stretch: Stretch, end_sample: int) -> Int16 | None:
    n_samples = round(_CLIP_S * stretch.rate_hz)
    audio = stretch.memory.audio(end_sample, n_samples)
    return None if audio is None else to_pcm(audio)
