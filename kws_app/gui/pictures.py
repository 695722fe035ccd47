"""Fbank frames as pictures: the same shades and the same places of frequencies everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.config import FbankConfig
from engine.features import mel_centers_hz
from engine.manifest import ModelManifest
from engine.types import Float32

Pixels = npt.NDArray[np.uint8]

# Of normalised features: room noise lies about the lower bound, loud vowels about the upper one.
_DARKEST, _BRIGHTEST = -1.2, 1.0
GRID_HZ = (500, 1_000, 2_000, 4_000)


def to_pixels(features: Float32, manifest: ModelManifest) -> Pixels:
    """Features as a picture, low frequencies below.

    Args:
        features: What the model sees, shape [n_frames, n_mels].
        manifest: Tells whether they are normalised.

    Returns:
        Shape [n_mels, n_frames], 0 to 255.
    """
    if manifest.normalization != "outside":
        config = manifest.fbank
        features = (features - config.mean) / (config.std_factor * config.std)
    scaled = (features - _DARKEST) * (255 / (_BRIGHTEST - _DARKEST))
    return np.ascontiguousarray(np.clip(scaled, 0, 255).astype(np.uint8).T[::-1])


def height_share(hz: float, config: FbankConfig) -> float:
    """Where a frequency lies in such a picture: 0 at its lower edge, 1 at its upper one."""
    centers = mel_centers_hz(config)
    return float(np.interp(hz, centers, (np.arange(len(centers)) + 0.5) / len(centers)))
