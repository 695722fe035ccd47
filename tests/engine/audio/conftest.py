"""A stand-in for PortAudio."""

import sys

import pytest
from fake_sounddevice import FakeSounddevice


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake
