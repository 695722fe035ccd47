"""Clips are played, or one error says why not."""

import sys

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice, PortAudioError

from engine.audio.playback import play
from engine.errors import DeviceError


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


def test_samples_are_played_at_their_rate(portaudio: FakeSounddevice) -> None:
    samples = np.zeros(100, np.float32)
    play(samples, 16_000)
    assert portaudio.played == [(samples, 16_000)]


@pytest.mark.parametrize("error", [PortAudioError("no device -1"), ValueError("no output")])
def test_no_output_device(portaudio: FakeSounddevice, error: Exception) -> None:
    portaudio.open_error = error
    with pytest.raises(DeviceError, match=f"nothing can be played: {error}"):
        play(np.zeros(100, np.float32), 16_000)
