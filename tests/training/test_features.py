"""The batched twin follows the one definition of the fbank."""

import numpy as np
import pytest
import torch
from signals import silence, tone, white_noise

from engine.config import FbankConfig
from engine.features import fbank, model_input
from training.features import BatchFbank


@pytest.mark.parametrize(
    "config",
    [
        FbankConfig(),
        FbankConfig(target_frames=128),
        FbankConfig(target_frames=128, padding_stage="after_normalization"),
        FbankConfig(amplitude_scale=32_768.0, remove_dc=False, preemphasis=0.0),
        FbankConfig(n_mels=64, high_hz=7_600.0),
    ],
)
def test_within_1e_4_of_the_definition(config: FbankConfig) -> None:
    windows = np.stack(
        [
            silence(1),
            white_noise(1),
            white_noise(1, 0.001),
            tone(440, 1) + white_noise(1, 0.01),
            white_noise(1) + np.float32(0.3),
        ]
    )
    twin = BatchFbank(config)(torch.from_numpy(windows)).numpy()
    for row, window in zip(twin, windows, strict=True):
        definition = model_input(fbank(window, config), config)
        assert row.shape == definition.shape
        np.testing.assert_allclose(row, definition, atol=1e-4)


def test_short_rows_are_padded_as_asts() -> None:
    """The pad is a log-mel of 0, loud once it is normalised; rows end where their samples end."""
    config = FbankConfig(target_frames=128)
    lengths = [16_000, 8_000, 5_123, 399, 25_000]
    rows = [white_noise(2)[:n] for n in lengths]
    samples = np.zeros((len(rows), 25_000), np.float32)
    for row, part in zip(samples, rows, strict=True):
        row[: len(part)] = part
    twin = BatchFbank(config)(torch.from_numpy(samples), torch.tensor(lengths)).numpy()
    for found, part in zip(twin, rows, strict=True):
        definition = model_input(fbank(part, config)[:128], config)
        np.testing.assert_allclose(found, definition, atol=1e-4)
    np.testing.assert_allclose(twin[1, 48:], 0.615, atol=1e-3)


def test_windows_shorter_than_a_frame() -> None:
    config = FbankConfig(target_frames=8)
    found = BatchFbank(config)(torch.zeros(1, 50), torch.tensor([50]))
    np.testing.assert_allclose(found[0].numpy(), 0.615, atol=1e-3)
