"""Values that flow between the stages. Time is always an absolute sample index."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Window:
    """One stretch of audio to score.

    Attributes:
        samples: Mono samples in [-1, 1], shape [window_samples]; owned by the window.
        end_sample: Absolute index of the sample after the last one.
        skipped_windows: Complete windows passed over to reach this one.
    """

    samples: Float32
    end_sample: int
    skipped_windows: int = 0


@dataclass(frozen=True, kw_only=True)
class Posteriors:
    """Probabilities of one window.

    Attributes:
        probs: One value in [0, 1] per label, shape [n_labels].
        end_sample: End of the window that was scored.
    """

    probs: Float32
    end_sample: int


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A keyword was heard.

    Attributes:
        keyword: The label that fired.
        score: Its smoothed posterior, in [0, 1].
        threshold: The threshold that it reached.
        end_sample: End of the window that fired.
    """

    keyword: str
    score: float
    threshold: float
    end_sample: int


@dataclass(frozen=True, kw_only=True)
class Started:
    """Listening has begun.

    Attributes:
        source: Name of the source.
        sample_rate_hz: Rate of the source before resampling.
        backend: Name of the backend.
        backend_reason: Why it was chosen.
    """

    source: str
    sample_rate_hz: int
    backend: str
    backend_reason: str


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A detection on its way to the consumers.

    Attributes:
        detection: What fired.
        latency_ms: From the moment its last samples were handed over to the decision.
    """

    detection: Detection
    latency_ms: float


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Samples were lost.

    Attributes:
        end_sample: Where the audio goes on.
        lost_samples: How many are missing before it.
        reason: Why.
    """

    end_sample: int
    lost_samples: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class StreamStats:
    """Counters since the start, and times of the last minute.

    Attributes:
        end_sample: Audio taken so far.
        windows: Windows scored.
        skipped_windows: Windows passed over because scoring fell behind.
        overflows: Times that the device reported lost input.
        lost_samples: Samples known to be lost.
        detections: Detections so far.
        dropped_events: Events that a slow consumer never saw.
        capture_ms: p50 and p99 from the sound at the microphone to its samples being handed over;
            zeros for other sources.
        feature_ms: p50 and p99 of the time for features.
        inference_ms: p50 and p99 of the time in the backend.
        total_ms: p50 and p99 from samples handed over to decision.
        last_window_age_s: Time since the last window was scored.
        clock_ppm: How much faster than its rate the device runs; None where that is not known.
    """

    end_sample: int
    windows: int
    skipped_windows: int
    overflows: int
    lost_samples: int
    detections: int
    dropped_events: int
    capture_ms: tuple[float, float]
    feature_ms: tuple[float, float]
    inference_ms: tuple[float, float]
    total_ms: tuple[float, float]
    last_window_age_s: float
    clock_ppm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Stopped:
    """Listening has ended; always the last event.

    Attributes:
        reason: "end of input", "interrupted", "duration", "max detections" or "failed".
        stats: Final counters.
        wall_s: Time that it took.
    """

    reason: str
    stats: StreamStats
    wall_s: float


@dataclass(frozen=True, kw_only=True)
class BackendChanged:
    """Another backend scores from here on.

    Attributes:
        end_sample: End of the first window that it scored.
        backend: Its name.
        backend_reason: Why.
    """

    end_sample: int
    backend: str
    backend_reason: str


@dataclass(frozen=True, kw_only=True)
class DeviceLost:
    """The microphone is gone; it is looked for.

    Attributes:
        end_sample: End of the audio that came from it.
        device: Its name.
        reason: How that was noticed.
    """

    end_sample: int
    device: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DeviceTrouble:
    """A device delivers something of no use, or is not the wanted one; listening goes on.

    Attributes:
        end_sample: Where that was found, or where it ended.
        device: Its name.
        kind: "zeros", "rate", "fallback" or "no_fallback".
        reason: What was found and how to mend it.
        is_over: Whether it has ended.
    """

    end_sample: int
    device: str
    kind: str
    reason: str
    is_over: bool


@dataclass(frozen=True, kw_only=True)
class DeviceBack:
    """A microphone is there again; a gap follows.

    Attributes:
        end_sample: Where its audio begins, after the gap.
        device: Its name.
    """

    end_sample: int
    device: str


Event = (
    Started
    | Heard
    | Gap
    | BackendChanged
    | DeviceLost
    | DeviceBack
    | DeviceTrouble
    | StreamStats
    | Stopped
)
