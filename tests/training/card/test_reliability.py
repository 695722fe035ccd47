"""The calibration error of posteriors that are known."""

from pathlib import Path

import numpy as np
import pytest
from signals import HIGH_HZ, LOW_HZ
from small_run import word_folder

from engine.errors import ConfigError
from training.card.reliability import BINS, measure_reliability, reliability_of

ORIGIN = {"folder": "x", "split": "validation", "speakers": "people"}


def posteriors(confidence: float, n: int) -> np.ndarray:
    return np.tile([confidence, 1 - confidence], (n, 1))


def targets(right: int, n: int) -> np.ndarray:
    return np.array([[1, 0]] * right + [[0, 1]] * (n - right))


def test_posteriors_that_mean_what_they_say() -> None:
    found = reliability_of(posteriors(0.75, 100), targets(75, 100), **ORIGIN)
    assert found.ece == pytest.approx(0, abs=1e-9)
    assert found.counts[int(0.75 * BINS)] == 100
    assert (found.clips, found.mean_accuracy) == (100, 0.75)
    assert found.mean_confidence == pytest.approx(0.75)


def test_too_sure_and_not_sure_enough_do_not_cancel() -> None:
    scores = np.concatenate([posteriors(0.9, 10), posteriors(0.6, 30)])
    right = np.concatenate([targets(5, 10), targets(30, 30)])
    found = reliability_of(scores, right, **ORIGIN)
    assert found.ece == pytest.approx((10 * 0.4 + 30 * 0.4) / 40)


def test_the_highest_posterior_there_is() -> None:
    found = reliability_of(posteriors(1.0, 3), targets(3, 3), **ORIGIN)
    assert found.counts[-1] == 3
    assert np.isnan(found.accuracy[:-1]).all()
    assert found.ece == 0


def test_clips_of_people_are_measured(tiny_folder: Path, tmp_path: Path) -> None:
    folder = word_folder(tmp_path / "w", {"low": LOW_HZ, "high": HIGH_HZ})
    found = measure_reliability(tiny_folder, folder, "validation")
    assert (found.clips, found.folder, found.split) == (4, "w", "validation")
    assert found.speakers == "people"
    (folder / "synthesize.json").write_text("{}")
    assert measure_reliability(tiny_folder, folder, "validation").speakers == "programs"
    with pytest.raises(ConfigError, match="has nothing in its test split"):
        measure_reliability(tiny_folder, folder, "test")
    other = word_folder(tmp_path / "v", {"middle": 900})
    with pytest.raises(ConfigError, match="has no validation clip of a word of"):
        measure_reliability(tiny_folder, other, "validation")
