"""A keeper beside a stream that the test makes, and what it kept."""

from pathlib import Path

import numpy as np
import soundfile
from signals import white_noise

from engine.config import DecisionConfig, OperatingPoint
from engine.manifest import ModelManifest
from engine.scorer import ScoredWindow
from engine.types import Detection, Posteriors
from kws_app.ledger.entries import Entry
from kws_app.ledger.keeper import LedgerKeeper
from kws_app.ledger.retention import Limits
from kws_app.ledger.store import Ledger

LIMITS = Limits(days=30, megabytes=200)
CLIP = 24_000
POINT = OperatingPoint(threshold=0.6, rearm_threshold=0.3)
DECISION = DecisionConfig(operating_points={"low": POINT, "high": POINT})
# Louder or longer than a sound file of 16 bits holds it would not come back exactly.
NOISE = np.round(white_noise(15) * 32_768).astype(np.int16).astype(np.float32) / 32_768


class Microphone:
    name = "mic"
    sample_rate_hz = 16_000

    def __init__(self, *, is_live: bool = True) -> None:
        self.is_live = is_live


def make(
    folder: Path,
    manifest: ModelManifest,
    told: list[str] | None = None,
    *,
    is_live: bool = True,
    ledger: Ledger | None = None,
) -> LedgerKeeper:
    return LedgerKeeper(
        ledger or Ledger(folder, LIMITS),
        Microphone(is_live=is_live),
        manifest,
        manifest.decision,
        0.5,
        ([] if told is None else told).append,
    )


def window(end_sample: int, low: float = 0, *, fires: bool = False) -> ScoredWindow:
    """One window of the tiny model's labels."""
    probs = np.array([1 - low, 0, low, 0], np.float32)
    detection = Detection(keyword="low", score=low, threshold=0.6, end_sample=end_sample)
    return ScoredWindow(
        posteriors=Posteriors(probs=probs, end_sample=end_sample),
        smoothed=probs,
        features=np.zeros((98, 128), np.float32),
        decision=DECISION,
        detections=[detection] if fires else [],
        held_back={},
        skipped_windows=0,
        feature_s=0,
        inference_s=0,
    )


def pcm(path: Path) -> np.ndarray:
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 16_000
    return samples


def kept(folder: Path) -> list[tuple[Entry, np.ndarray]]:
    ledger = Ledger(folder)
    return [(entry, pcm(ledger.clip_path(entry))) for entry in ledger.entries()]


def expected(first: int, end: int) -> np.ndarray:
    return (NOISE[first:end] * 32_768).astype(np.int16)
