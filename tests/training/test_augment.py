"""Voices, microphones, SpecAugment and noise as published, the same in any split of a batch."""

import numpy as np
import pytest
import torch
from signals import tone, white_noise

from engine.config import FbankConfig
from engine.features import mel_centers_hz
from training.augment import _VOICE, Augment, row_draws
from training.features import BatchFbank
from training.settings import AugmentConfig

ROWS = np.arange(64)


def masked_spans(config: AugmentConfig, step: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Widths of the masks of each row in time and in frequency."""
    log_mel = torch.full((64, 128, 128), 7.0)
    out = Augment(config, FbankConfig(), seed=1).mask(log_mel, step, ROWS)
    hidden = (out != 7.0).numpy()
    return hidden.all(axis=2).sum(axis=1), hidden.all(axis=1).sum(axis=1)


def test_one_mask_of_each_kind_below_its_limit() -> None:
    times, mels = masked_spans(AugmentConfig(mask_frames=48, mask_mels=24))
    assert times.max() < 48
    assert mels.max() < 24
    assert 15 < times.mean() < 32  # U(0, 48)
    assert 7 < mels.mean() < 16
    assert len(set(times)) > 20


def test_no_mask_without_a_width() -> None:
    times, mels = masked_spans(AugmentConfig(mask_frames=0, mask_mels=24))
    assert times.max() == 0
    assert mels.max() > 0


@pytest.mark.parametrize(("value", "expected"), [("zero", 0.0), ("mean", -6.845978)])
def test_what_hides(value: str, expected: float) -> None:
    config = AugmentConfig(mask_frames=48, mask_mels=48, mask_value=value)
    out = Augment(config, FbankConfig(), seed=1).mask(torch.full((8, 98, 128), 7.0), 0, ROWS[:8])
    assert set(np.unique(out.numpy()).tolist()) == {7.0, np.float32(expected)}


def test_the_draws_of_a_row_do_not_depend_on_the_others() -> None:
    whole = row_draws((1, 2, 3), np.arange(8), 5)
    np.testing.assert_array_equal(row_draws((1, 2, 3), np.array([1, 6]), 5), whole[[1, 6]])
    assert not np.array_equal(row_draws((1, 3, 3), np.arange(8), 5), whole)
    assert ((whole >= 0) & (whole < 1)).all()


def test_the_noise_of_speech_commands() -> None:
    config = AugmentConfig(noise=True)
    ramp = torch.arange(128.0)[None, :, None].expand(64, 128, 128)
    out = Augment(config, FbankConfig(), seed=1).disturb(ramp, 0, ROWS, 64)
    shifts = []
    for row in out:
        shift = int(row[:, 0].argmax() - 127) % 128  # the end of the ramp went round
        shift = shift - 128 if shift > 64 else shift
        added = torch.roll(row, -shift, 0) - ramp[0]
        assert added.min() >= -1e-4
        assert added.max() <= 0.1 + 1e-4
        shifts.append(shift)
    assert -10 <= min(shifts) < -5
    assert 5 < max(shifts) <= 9


def test_rows_do_not_depend_on_their_company() -> None:
    config = AugmentConfig(mask_frames=20, mask_mels=20, masks=2, noise=True)
    augment = Augment(config, FbankConfig(), seed=1)
    log_mel = torch.randn(8, 98, 128)
    rows = np.arange(8)

    def both(part: torch.Tensor, rows: np.ndarray, step: int) -> torch.Tensor:
        return augment.disturb(augment.mask(part, step, rows), step, rows, 8)

    whole = both(log_mel, rows, 3)
    torch.testing.assert_close(both(log_mel[1::2], rows[1::2], 3), whole[1::2])
    assert not torch.allclose(both(log_mel, rows, 4), whole)


def of_tone(hz: float) -> torch.Tensor:
    """Log-mels of one second of a tone in faint noise, [1, T, F]."""
    samples = tone(hz, 1) * 0.3 + white_noise(1, 0.001)
    return BatchFbank(FbankConfig()).cut_log_mel(torch.from_numpy(samples)[None])


def test_a_stretched_axis_moves_a_tone_by_its_factor() -> None:
    """Rows are read at their factor times the frequency, so what is heard moves the other way."""
    centers = mel_centers_hz(FbankConfig())
    augment = Augment(AugmentConfig(warp=0.1), FbankConfig(), seed=1)
    log_mel = of_tone(2_000).expand(64, -1, -1)
    peaks_hz = centers[augment.change_voice(log_mel, 0, ROWS).mean(dim=1).argmax(dim=1)]
    factors = 1 + 0.1 * (2 * row_draws((1, 0, _VOICE), ROWS, 6)[:, 0] - 1)
    np.testing.assert_allclose(peaks_hz * factors, 2_000, rtol=0.03)
    assert peaks_hz.min() < 1_900
    assert peaks_hz.max() > 2_100


def test_a_stretch_of_nothing_changes_nothing() -> None:
    augment = Augment(AugmentConfig(warp=1e-7), FbankConfig(), seed=1)
    log_mel = of_tone(700).expand(4, -1, -1)
    same = augment.change_voice(log_mel, 0, ROWS[:4])
    torch.testing.assert_close(same, log_mel, atol=1e-3, rtol=0)


def test_an_equalizer_is_smooth_and_bounded() -> None:
    augment = Augment(AugmentConfig(equalize_db=6.0), FbankConfig(), seed=1)
    log_mel = torch.zeros(64, 98, 128)
    gains = augment.change_voice(log_mel, 0, ROWS)
    assert (gains == gains[:, :1]).all()  # the same in every frame
    full = [i for i in range(128) if i != 3]
    db = gains[:, 0, full].numpy() / (np.log(10) / 10)
    assert 4 < np.abs(db).max() <= 6 + 1e-3
    assert np.abs(np.diff(db, axis=1)).max() < 1.0
    assert abs(db.mean()) < 1


def test_the_empty_bin_stays_empty_and_nothing_falls_below_the_floor() -> None:
    """Bin 3 of 128 holds no FFT bin: no voice and no microphone puts anything in."""
    config = FbankConfig()
    augment = Augment(AugmentConfig(warp=0.2, equalize_db=20.0), config, seed=1)
    floor = float(np.log(config.log_floor))
    quiet = BatchFbank(config).cut_log_mel(torch.zeros(64, 16_000))
    for log_mel in (of_tone(300).expand(64, -1, -1), quiet):
        out = augment.change_voice(log_mel, 0, ROWS)
        assert out[:, :, 3].unique().tolist() == pytest.approx([floor])
        assert out.min() >= floor - 1e-5


def test_voices_do_not_depend_on_their_company() -> None:
    augment = Augment(AugmentConfig(warp=0.1, equalize_db=6.0), FbankConfig(), seed=1)
    log_mel = torch.randn(8, 98, 128)
    whole = augment.change_voice(log_mel, 3, ROWS[:8])
    part = augment.change_voice(log_mel[1::2], 3, ROWS[1:8:2])
    torch.testing.assert_close(part, whole[1::2])
    assert not torch.allclose(augment.change_voice(log_mel, 4, ROWS[:8]), whole)
    untouched = Augment(AugmentConfig(), FbankConfig(), seed=1).change_voice(log_mel, 3, ROWS[:8])
    assert untouched is log_mel


def test_a_stretch_leaves_a_flat_spectrum_flat() -> None:
    """Low bins hold parts of one FFT bin each; what they hold less of is no quieter sound."""
    log_mel = BatchFbank(FbankConfig()).cut_log_mel(torch.from_numpy(white_noise(6, 0.1))[None])
    rows = log_mel.expand(64, -1, -1)
    augment = Augment(AugmentConfig(warp=0.1), FbankConfig(), seed=1)
    change = (augment.change_voice(rows, 0, ROWS) - rows).mean(dim=(0, 1))
    assert change.abs().max() < 0.5
