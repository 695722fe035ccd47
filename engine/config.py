"""Settings of the stages: frozen, checked when made, units in the names."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from engine.errors import ConfigError

FRAME_HOP_MS = 10.0  # frames sit on a 10 ms grid, so cached frames equal recomputed ones


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


# What float32, which features are computed in, can still tell from nothing and everything.
_SMALLEST, _LARGEST = 1e-20, 1e9


@dataclass(frozen=True, kw_only=True)
class FbankConfig:
    """The one definition of the features; its fingerprint travels with every model.

    Defaults are AST's front end (Gong et al. 2021, section 2.1): Kaldi log-mel filterbank,
    symmetric Hann taper, no dither. `mean` and `std` belong to a training set.

    Attributes:
        sample_rate_hz: Rate of the samples.
        frame_length_ms: Length of a frame.
        frame_hop_ms: Advance between frames.
        n_mels: Mel bins. With 128 bins on a 512-point FFT bin 3 holds no FFT bin and always
            is at the log floor; AST was published so.
        low_hz: Lower edge of the lowest mel bin.
        high_hz: Upper edge of the highest mel bin.
        taper: Only "hann" (symmetric).
        preemphasis: Coefficient of x[i] - c * x[i - 1] within a frame.
        remove_dc: Subtract each frame's mean.
        dither: Must be 0: features are deterministic.
        log_floor: Smallest mel energy before the logarithm.
        amplitude_scale: Factor on the samples; 1 for [-1, 1], 32768 for int16 conventions.
        target_frames: Rows of the model's input; shorter fbanks are padded at the end.
        padding_value: Value of padded rows.
        padding_stage: "before_normalization" (as AST was published) or "after_normalization".
        mean: Subtracted from the log-mel.
        std: Standard deviation of the training set's log-mel.
        std_factor: Features are (x - mean) / (std_factor * std); AST uses 2.
    """

    sample_rate_hz: int = 16_000
    frame_length_ms: float = 25.0
    frame_hop_ms: float = FRAME_HOP_MS
    n_mels: int = 128
    low_hz: float = 20.0
    high_hz: float = 8_000.0
    taper: str = "hann"
    preemphasis: float = 0.97
    remove_dc: bool = True
    dither: float = 0.0
    log_floor: float = 1.1920928955078125e-07
    amplitude_scale: float = 1.0
    target_frames: int = 98
    padding_value: float = 0.0
    padding_stage: str = "before_normalization"
    mean: float = -6.845978
    std: float = 5.5654526
    std_factor: float = 2.0

    def __post_init__(self) -> None:
        """Refuse values that no fbank can be computed with."""
        for name, value in asdict(self).items():
            if isinstance(value, float):
                _require(
                    math.isfinite(value) and abs(value) <= _LARGEST,
                    f"fbank {name} is {value}; it must be finite and at most {_LARGEST:g} in size",
                )
        _require(
            8_000 <= self.sample_rate_hz <= 48_000,
            f"fbank sample_rate_hz is {self.sample_rate_hz}; it must be 8000 to 48000",
        )
        _require(
            self.frame_hop_ms == FRAME_HOP_MS,
            f"fbank frame_hop_ms is {self.frame_hop_ms}; it must be {FRAME_HOP_MS}",
        )
        _require(
            self.frame_hop_ms <= self.frame_length_ms <= 100,
            f"fbank frame_length_ms is {self.frame_length_ms}; it must be 10 to 100",
        )
        _require(1 <= self.n_mels <= 256, f"fbank n_mels is {self.n_mels}; it must be 1 to 256")
        _require(
            0 <= self.low_hz <= self.high_hz - 1 and self.high_hz <= self.sample_rate_hz / 2,
            f"fbank band is {self.low_hz} to {self.high_hz} Hz; it must rise by 1 Hz or more and "
            f"end at or below half of {self.sample_rate_hz} Hz",
        )
        _require(self.taper == "hann", f"fbank taper is {self.taper!r}; it must be 'hann'")
        _require(self.dither == 0, f"fbank dither is {self.dither}; it must be 0")
        for name in ("log_floor", "amplitude_scale", "std", "std_factor"):
            value = getattr(self, name)
            _require(
                value >= _SMALLEST, f"fbank {name} is {value}; it must be above 0 ({_SMALLEST:g})"
            )
        _require(
            self.std * self.std_factor >= _SMALLEST,
            f"fbank std x std_factor is {self.std * self.std_factor}; it must be {_SMALLEST:g} or "
            "more, or the features would be infinite",
        )
        _require(
            1 <= self.target_frames <= 4096,
            f"fbank target_frames is {self.target_frames}; it must be 1 to 4096",
        )
        _require(
            self.padding_stage in ("before_normalization", "after_normalization"),
            f"fbank padding_stage is {self.padding_stage!r}; it must be 'before_normalization' "
            "or 'after_normalization'",
        )

    @property
    def frame_length_samples(self) -> int:
        """Samples in a frame."""
        return round(self.frame_length_ms * self.sample_rate_hz / 1000)

    @property
    def frame_hop_samples(self) -> int:
        """Samples between the starts of two frames."""
        return round(self.frame_hop_ms * self.sample_rate_hz / 1000)

    @property
    def fft_samples(self) -> int:
        """FFT length: the next power of two at or above a frame."""
        return 1 << (self.frame_length_samples - 1).bit_length()

    def n_frames(self, n_samples: int) -> int:
        """Frames that fit wholly into `n_samples` (Kaldi's snip_edges)."""
        if n_samples < self.frame_length_samples:
            return 0
        return 1 + (n_samples - self.frame_length_samples) // self.frame_hop_samples

    @property
    def fingerprint(self) -> str:
        """SHA-256 over every field, as hex; equal fingerprints mean equal features."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class WindowConfig:
    """How a stream is cut into windows.

    Attributes:
        window_samples: Length of a window.
        hop_samples: Advance between windows; a multiple of the frame hop.
    """

    window_samples: int = 16_000
    hop_samples: int = 1_600

    def check_against(self, fbank: FbankConfig) -> None:
        """Raise ConfigError unless windows fall on the frame grid of `fbank`."""
        step = fbank.frame_hop_samples
        _require(
            self.hop_samples > 0 and self.hop_samples % step == 0,
            f"window hop is {self.hop_samples} samples; it must be a multiple of {step} "
            f"({fbank.frame_hop_ms} ms), or frames could not be reused",
        )
        _require(
            self.hop_samples <= self.window_samples <= 60 * fbank.sample_rate_hz,
            f"window is {self.window_samples} samples; it must be at least one hop "
            f"({self.hop_samples}) and at most 60 s",
        )
        frames = fbank.n_frames(self.window_samples)
        _require(
            1 <= frames <= fbank.target_frames,
            f"a window of {self.window_samples} samples has {frames} frames; the model takes "
            f"1 to {fbank.target_frames}",
        )


@dataclass(frozen=True, kw_only=True)
class OperatingPoint:
    """When one keyword fires.

    Attributes:
        threshold: It fires at or above this smoothed posterior.
        rearm_threshold: It may fire again only after falling below this.
        false_alarms_per_day: Expected rate, where it was calibrated.
        false_alarms_per_day_interval: 95 % interval of that rate.
    """

    threshold: float
    rearm_threshold: float
    false_alarms_per_day: float | None = None
    false_alarms_per_day_interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse thresholds outside (0, 1] and re-arm thresholds above them."""
        _require(
            0 < self.threshold <= 1,
            f"threshold is {self.threshold}; it must be above 0 and at most 1",
        )
        alarms = self.false_alarms_per_day
        _require(
            alarms is None or 0 <= alarms < math.inf,
            f"false_alarms_per_day is {alarms}; it must be a number and not negative",
        )
        _require(
            0 < self.rearm_threshold <= self.threshold,
            f"re-arm threshold is {self.rearm_threshold}; it must be above 0 and at most the "
            f"threshold, {self.threshold}",
        )

    def with_threshold(self, threshold: float) -> OperatingPoint:
        """The same point at another threshold; the re-arm threshold keeps its proportion."""
        ratio = self.rearm_threshold / self.threshold
        _require(0 < threshold <= 1, f"threshold is {threshold}; it must be above 0 and at most 1")
        return OperatingPoint(threshold=threshold, rearm_threshold=threshold * ratio)


@dataclass(frozen=True, kw_only=True)
class DecisionConfig:
    """How posteriors become detections.

    Attributes:
        smoothing_windows: Posteriors averaged per label.
        refractory_samples: After a detection its keyword is blocked for this long.
        operating_points: Keyword to operating point; only these keywords fire.
    """

    smoothing_windows: int = 1
    refractory_samples: int = 12_800
    operating_points: Mapping[str, OperatingPoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse empty smoothing and a negative refractory period."""
        _require(
            1 <= self.smoothing_windows <= 100,
            f"smoothing is {self.smoothing_windows} windows; it must be 1 to 100",
        )
        _require(
            0 <= self.refractory_samples <= _LARGEST,
            f"refractory period is {self.refractory_samples} samples; it must be 0 to {_LARGEST:g}",
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what decides, as hex; equal fingerprints mean equal decisions."""
        points = {
            word: [point.threshold, point.rearm_threshold]
            for word, point in sorted(self.operating_points.items())
        }
        canonical = json.dumps([self.smoothing_windows, self.refractory_samples, points])
        return hashlib.sha256(canonical.encode()).hexdigest()
