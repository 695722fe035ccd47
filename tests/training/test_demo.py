"""The demo recording is made by synthetic voices, again and again the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import ConfigError
from training import demo
from training.demo import DEMO_SCRIPT, make_demo, say


def fake_voice(text: str, voice: str) -> np.ndarray:
    return np.full(1_600 * len(text), 0.5, np.float32)


def test_texts_stand_where_the_list_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "say", fake_voice)
    ends = make_demo(tmp_path / "a.flac")
    make_demo(tmp_path / "b.flac")
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    samples, rate_hz = soundfile.read(tmp_path / "a.flac")
    assert rate_hz == 16_000
    assert [text for text, _ in ends] == [text for _, _, text in DEMO_SCRIPT]
    for text, end_s in ends:
        end = round(end_s * rate_hz)
        assert samples[end - 1_600 * len(text) : end].min() > 0.45
        assert np.abs(samples[end + 10 : end + 8_000]).max() < 0.02


@pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")
def test_flite_speaks() -> None:
    samples = say("yes", "slt")
    assert samples.dtype == np.float32
    assert 0.2 < len(samples) / 16_000 < 2
    assert np.abs(samples).max() == pytest.approx(0.5)
    with pytest.raises(ConfigError, match=r"flite has no voice 'nobody'; it has .*slt"):
        say("yes", "nobody")


def test_without_flite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="no synthetic voice: none is installed"):
        say("yes", "slt")
