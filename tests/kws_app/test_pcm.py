"""16 bits in, the same 16 bits out."""

import io

import numpy as np
import soundfile

from kws_app.pcm import to_flac, to_pcm


def test_every_16_bit_value_comes_back() -> None:
    values = np.arange(-32_768, 32_768, dtype=np.int16)
    np.testing.assert_array_equal(to_pcm(values.astype(np.float32) / 32_768), values)


def test_what_lies_between_is_rounded_and_what_is_louder_clipped() -> None:
    samples = np.array([0.6 / 32_768, -0.6 / 32_768, 1.0, -1.5, 1e8], np.float32)
    np.testing.assert_array_equal(to_pcm(samples), [1, -1, 32_767, -32_768, 32_767])


def test_a_flac_file_holds_the_samples() -> None:
    values = np.random.default_rng(0).integers(-32_768, 32_767, 24_000).astype(np.int16)
    read, rate_hz = soundfile.read(io.BytesIO(to_flac(values, 16_000)), dtype="int16")
    np.testing.assert_array_equal(read, values)
    assert rate_hz == 16_000
