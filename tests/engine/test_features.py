"""The fbank: streaming equals offline bit for bit, and both follow Kaldi."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from kaldi import reference_fbank
from signals import RATE_HZ, white_noise

import engine.features
from engine.config import FbankConfig
from engine.errors import ConfigError
from engine.features import WindowFbank, fbank, mel_matrix, model_input

CONFIG = FbankConfig()


@pytest.mark.parametrize("hop", [160, 320, 1_600, 4_800, 16_000, 24_000])
@pytest.mark.parametrize("offset", [0, 160, 1_120])
def test_streaming_equals_offline_bit_for_bit(hop: int, offset: int) -> None:
    samples = white_noise(5)[offset:]
    stream = WindowFbank(CONFIG)
    offline = fbank(samples, CONFIG)
    for end in range(16_000, len(samples) + 1, hop):
        window = samples[end - 16_000 : end]
        streamed = stream.compute(window, end)
        first = (end - 16_000) // 160
        np.testing.assert_array_equal(streamed, offline[first : first + 98])
        np.testing.assert_array_equal(streamed, fbank(window, CONFIG))


def test_a_jump_off_the_frame_grid_or_back_is_computed_anew() -> None:
    samples = white_noise(3)
    stream = WindowFbank(CONFIG)
    for end in (16_000, 16_081, 17_681, 17_600):
        window = samples[end - 16_000 : end]
        np.testing.assert_array_equal(stream.compute(window, end), fbank(window, CONFIG))


def test_a_caller_who_writes_into_the_result_harms_nothing() -> None:
    samples = white_noise(2)
    stream = WindowFbank(CONFIG)
    stream.compute(samples[:16_000], 16_000)[:] = 0
    np.testing.assert_array_equal(
        stream.compute(samples[1_600:17_600], 17_600), fbank(samples[1_600:17_600], CONFIG)
    )


def test_a_hop_computes_its_own_frames_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    compute = engine.features._power

    def counted(samples: np.ndarray, config: FbankConfig) -> np.ndarray:
        power = compute(samples, config)
        counts.append(len(power))
        return power

    monkeypatch.setattr(engine.features, "_power", counted)
    samples = white_noise(2)
    stream = WindowFbank(CONFIG)
    stream.compute(samples[:16_000], 16_000)
    stream.compute(samples[1_600:17_600], 17_600)
    assert counts == [98, 10]


def test_the_bands_are_the_mel_matrix() -> None:
    """Also where a mel holds no FFT bin."""
    for config in (CONFIG, FbankConfig(n_mels=40), FbankConfig(n_mels=200)):
        bins, weights, starts = engine.features._mel_bands(config)
        matrix = np.zeros_like(mel_matrix(config))
        mels = np.repeat(np.arange(config.n_mels), np.diff([*starts, len(bins)]))
        np.add.at(matrix, (bins, mels), weights)
        np.testing.assert_array_equal(matrix, mel_matrix(config))


def test_samples_of_another_type_give_the_same_features() -> None:
    samples = white_noise(1)
    np.testing.assert_array_equal(fbank(samples.astype(np.float64), CONFIG), fbank(samples, CONFIG))
    wide = np.repeat(samples, 2)[::2]
    np.testing.assert_array_equal(fbank(wide, CONFIG), fbank(samples, CONFIG))


def test_real_recordings_follow_kaldi(shared_data: Path) -> None:
    paths = sorted((shared_data / "speech_commands").glob("*/*"))[::700]
    paths += sorted((shared_data / "noise").glob("*"))[:3]
    assert len(paths) >= 20
    for path in paths:
        samples, rate_hz = soundfile.read(path, dtype="float32", frames=3 * RATE_HZ)
        assert rate_hz == RATE_HZ
        difference = np.abs(fbank(samples, CONFIG) - reference_fbank(samples))
        assert difference.max() < 1.5e-3, path
        assert difference.mean() < 1e-5, path


@pytest.mark.parametrize("amplitude", [1.0, 0.1, 0.001])
def test_noise_follows_kaldi(amplitude: float) -> None:
    samples = white_noise(1, amplitude)
    difference = np.abs(fbank(samples, CONFIG) - reference_fbank(samples))
    assert difference.max() < 1.5e-3
    assert difference.mean() < 1e-5


def test_a_frame_counts_only_when_it_fits_wholly() -> None:
    assert [len(fbank(np.zeros(n, np.float32), CONFIG)) for n in (0, 399, 400, 559, 560)] == [
        0,
        0,
        1,
        1,
        2,
    ]


def test_mel_bin_3_is_empty_as_published() -> None:
    assert not mel_matrix(CONFIG)[:, 3].any()
    assert mel_matrix(CONFIG)[:, 4:].any(axis=0).all()


def test_silence_is_the_log_floor() -> None:
    silent = fbank(np.zeros(16_000, np.float32), CONFIG)
    np.testing.assert_allclose(silent, np.log(CONFIG.log_floor), rtol=1e-6)


def test_a_constant_is_silence() -> None:
    constant = fbank(np.full(16_000, 0.5, np.float32), CONFIG)
    np.testing.assert_allclose(constant, np.log(CONFIG.log_floor), rtol=1e-6)


def test_the_amplitude_scale_shifts_the_logarithm() -> None:
    samples = white_noise(0.1)
    scaled = fbank(samples, FbankConfig(amplitude_scale=32_768.0))
    shift = scaled - fbank(samples, CONFIG)
    np.testing.assert_allclose(shift[:, 10:], 2 * np.log(32_768), atol=1e-3)


def test_padding_before_normalization_is_the_published_trap() -> None:
    config = FbankConfig(target_frames=128)
    padded = model_input(np.zeros((98, 128), np.float32), config)
    assert padded.shape == (128, 128)
    assert padded[127, 0] == pytest.approx(0.615, abs=1e-3)


def test_padding_after_normalization_is_the_padding_value() -> None:
    config = FbankConfig(target_frames=128, padding_stage="after_normalization")
    padded = model_input(np.ones((98, 128), np.float32), config)
    assert padded[97, 0] == pytest.approx((1 - config.mean) / (2 * config.std))
    assert padded[98, 0] == 0


def test_samples_must_be_one_dimensional() -> None:
    with pytest.raises(ConfigError, match=r"shape \(2, 400\); it wants \[n_samples\]"):
        fbank(np.zeros((2, 400), np.float32), CONFIG)
