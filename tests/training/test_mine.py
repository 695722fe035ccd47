"""What a model takes for keywords is cut out and can be trained on."""

from pathlib import Path

import numpy as np
import pytest
from clips import clip, word_samples
from signals import HIGH_HZ, LOW_HZ

from engine.errors import ConfigError
from engine.manifest import load_manifest
from training.data.folder import read_folder
from training.evaluation.material import Material
from training.mine import mine


def material() -> Material:
    rng = np.random.default_rng(1)
    talk = 1e-3 * rng.standard_normal(10 * 16_000)
    talk[48_000:64_000] += word_samples(LOW_HZ)
    talk[112_000:128_000] += word_samples(HIGH_HZ)
    clips = [clip("speech", talk), clip("word", word_samples(LOW_HZ), word="low")]
    return Material(clips=clips, origin={})


def test_every_firing_becomes_a_clip_with_what_fired_in_it(
    tiny_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mistakes"
    assert mine(load_manifest(tiny_folder), material(), out, threshold=0.5) == {"low": 1, "high": 1}
    clips = [c for split in ("train", "validation") for c in read_folder(out, split)[0]]
    assert {c.kind for c in clips} == {"other_word"}
    assert {c.path for c in clips} == {
        "_unknown_/speech-low_nohash_0.flac",
        "_unknown_/speech-high_nohash_0.flac",
    }
    for found in clips:
        assert len(found.samples) == 24_000
        spectrum = np.abs(np.fft.rfft(found.samples.astype(float)))
        wanted_hz = LOW_HZ if "low" in found.path else HIGH_HZ
        assert spectrum.argmax() / 1.5 == pytest.approx(wanted_hz, abs=5)


def test_a_high_threshold_finds_nothing(tiny_folder: Path, tmp_path: Path) -> None:
    assert mine(load_manifest(tiny_folder), material(), tmp_path / "out", threshold=1.0) == {}


def test_what_cannot_be_mined(tiny_folder: Path, tmp_path: Path) -> None:
    manifest = load_manifest(tiny_folder)
    (tmp_path / "mine.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="is not empty"):
        mine(manifest, material(), tmp_path, threshold=0.5)
    words = Material(clips=material().clips[1:], origin={})
    with pytest.raises(ConfigError, match="no running speech, no noise and no other words"):
        mine(manifest, words, tmp_path / "new", threshold=0.5)
    with pytest.raises(ConfigError, match="threshold is 0;"):
        mine(manifest, material(), tmp_path / "new", threshold=0)
