"""Settings refuse what cannot work, and fingerprints tell features apart."""

import dataclasses
from typing import Any

import pytest

from engine.config import DecisionConfig, FbankConfig, OperatingPoint, WindowConfig
from engine.errors import ConfigError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": float("nan")}, "fbank mean is nan; it must be finite"),
        ({"sample_rate_hz": 7_999}, "sample_rate_hz is 7999; it must be 8000 to 48000"),
        ({"frame_hop_ms": 12.5}, "frame_hop_ms is 12.5; it must be 10.0"),
        ({"frame_length_ms": 5.0}, "frame_length_ms is 5.0; it must be 10 to 100"),
        ({"n_mels": 257}, "n_mels is 257; it must be 1 to 256"),
        ({"low_hz": 9_000.0}, "band is 9000.0 to 8000.0 Hz"),
        ({"high_hz": 8_001.0}, "band is 20.0 to 8001.0 Hz"),
        ({"taper": "hamming"}, "taper is 'hamming'; it must be 'hann'"),
        ({"dither": 0.1}, "dither is 0.1; it must be 0"),
        ({"log_floor": 0.0}, "log_floor is 0.0; it must be above 0"),
        ({"amplitude_scale": 0.0}, "amplitude_scale is 0.0; it must be above 0"),
        ({"std_factor": 1e-300}, "std_factor is 1e-300; it must be above 0"),
        ({"padding_value": -1e300}, r"padding_value is -1e\+300; .* at most 1e\+09 in size"),
        ({"target_frames": 0}, "target_frames is 0; it must be 1 to 4096"),
        ({"padding_stage": "never"}, "padding_stage is 'never'"),
        ({"std": 0.0}, "fbank std is 0.0; it must be above 0"),
        ({"std_factor": -1.0}, "std_factor is -1.0; it must be above 0"),
    ],
)
def test_features_that_cannot_be_computed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        FbankConfig(**change)


def test_derived_lengths_at_16_khz() -> None:
    config = FbankConfig()
    assert (config.frame_length_samples, config.frame_hop_samples, config.fft_samples) == (
        400,
        160,
        512,
    )
    assert [config.n_frames(n) for n in (399, 400, 16_000)] == [0, 1, 98]


@pytest.mark.parametrize("field", dataclasses.fields(FbankConfig), ids=lambda field: field.name)
def test_every_field_is_in_the_fingerprint(field: dataclasses.Field[Any]) -> None:
    # Most fields have only few lawful values, so the rule is seen on the stored values.
    config = FbankConfig()
    before = config.fingerprint
    object.__setattr__(config, field.name, "another")
    assert config.fingerprint != before


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        (WindowConfig(hop_samples=0), "window hop is 0 samples; it must be a multiple of 160"),
        (WindowConfig(hop_samples=170), "window hop is 170 samples"),
        (WindowConfig(window_samples=1_440), "window is 1440 samples; it must be at least one hop"),
        (WindowConfig(window_samples=16_000 * 61), "at most 60 s"),
        (WindowConfig(window_samples=320, hop_samples=160), "has 0 frames"),
        (WindowConfig(window_samples=17_600), "has 108 frames; the model takes 1 to 98"),
    ],
)
def test_windows_off_the_grid(windows: WindowConfig, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        windows.check_against(FbankConfig())


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.01, float("nan")])
def test_thresholds_outside_0_to_1(threshold: float) -> None:
    with pytest.raises(ConfigError, match="it must be above 0 and at most 1"):
        OperatingPoint(threshold=threshold, rearm_threshold=0.1)
    point = OperatingPoint(threshold=0.5, rearm_threshold=0.25)
    with pytest.raises(ConfigError, match="it must be above 0 and at most 1"):
        point.with_threshold(threshold)


@pytest.mark.parametrize("rearm", [0.0, 0.51, float("nan")])
def test_rearm_thresholds_above_the_threshold(rearm: float) -> None:
    with pytest.raises(ConfigError, match="re-arm threshold is"):
        OperatingPoint(threshold=0.5, rearm_threshold=rearm)


def test_another_threshold_keeps_the_rearm_proportion() -> None:
    point = OperatingPoint(threshold=0.5, rearm_threshold=0.2, false_alarms_per_day=1.0)
    changed = point.with_threshold(0.75)
    assert changed.rearm_threshold == pytest.approx(0.3)
    # A rate was measured at another threshold, so it no longer holds.
    assert changed.false_alarms_per_day is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smoothing_windows": 0}, "smoothing is 0 windows; it must be 1 to 100"),
        ({"smoothing_windows": 101}, "smoothing is 101 windows"),
        ({"refractory_samples": -1}, "it must be 0 to 1e"),
        ({"refractory_samples": 10**300}, "it must be 0 to 1e"),
    ],
)
def test_decisions_that_cannot_be_made(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DecisionConfig(**change)
