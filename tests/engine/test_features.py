"""The fbank: streaming equals offline, bit for bit."""

import numpy as np
import pytest

from engine.config import FbankConfig
from engine.features import WindowFbank, fbank, mel_matrix, model_input

CONFIG = FbankConfig()


@pytest.mark.parametrize("hop", [160, 320, 1600, 4800, 16000, 24000])
def test_streaming_equals_offline_bit_for_bit(hop: int) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 80_000).astype(np.float32)
    stream = WindowFbank(CONFIG)
    offline = fbank(samples, CONFIG)
    for end in range(16_000, len(samples) + 1, hop):
        window = samples[end - 16_000 : end]
        streamed = stream.compute(window, end)
        first = (end - 16_000) // 160
        np.testing.assert_array_equal(streamed, offline[first : first + 98])
        np.testing.assert_array_equal(streamed, fbank(window, CONFIG))


def test_mel_bin_3_is_empty_as_published() -> None:
    assert not mel_matrix(CONFIG)[:, 3].any()
    assert mel_matrix(CONFIG)[:, 4:].any(axis=0).all()


def test_silence_is_the_log_floor() -> None:
    silent = fbank(np.zeros(16_000, np.float32), CONFIG)
    np.testing.assert_allclose(silent, np.log(CONFIG.log_floor), rtol=1e-6)


def test_padding_before_normalization_is_the_published_trap() -> None:
    config = FbankConfig(target_frames=128)
    padded = model_input(np.zeros((98, 128), np.float32), config)
    assert padded.shape == (128, 128)
    assert padded[127, 0] == pytest.approx(0.615, abs=1e-3)
