"""Shades and places of frequencies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from signals import tone

from engine.features import fbank, model_input
from engine.manifest import load_manifest
from kws_app.gui.pictures import height_share, to_pixels


def test_a_tone_is_bright_where_its_frequency_is_drawn(tiny_folder: Path) -> None:
    manifest = load_manifest(tiny_folder)
    config = manifest.fbank
    for hz in (500, 1_000, 4_000):
        pixels = to_pixels(model_input(fbank(tone(hz, 1.0), config), config), manifest)
        assert pixels.shape == (config.n_mels, config.target_frames)
        brightest = int(pixels[:, 50].argmax())
        drawn = (1 - height_share(hz, config)) * config.n_mels
        assert abs(brightest + 0.5 - drawn) <= 2


def test_features_are_as_bright_whoever_normalises_them(tiny_folder: Path) -> None:
    manifest = load_manifest(tiny_folder)
    config = manifest.fbank
    log_mel = fbank(tone(1_000, 1.0), config)
    outside = to_pixels(model_input(log_mel, config), manifest)
    inside = to_pixels(log_mel, replace(manifest, normalization="inside"))
    assert np.abs(outside.astype(int) - inside).max() <= 1


def test_frequencies_rise(tiny_folder: Path) -> None:
    config = load_manifest(tiny_folder).fbank
    shares = [height_share(hz, config) for hz in (20, 100, 500, 1_000, 4_000, 8_000)]
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.02
    assert 0.98 < shares[-1] <= 1
