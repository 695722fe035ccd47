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
