"""The module is imported when it is needed; without PortAudio one line says what to install."""

import builtins
import sys
from typing import Any

import pytest
from fake_sounddevice import FakeSounddevice

from engine.audio.portaudio import load_sounddevice
from engine.errors import DeviceError


def test_the_module(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert load_sounddevice("nothing works") is fake


def test_a_missing_library_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_portaudio(name: str, *args: Any, **more: Any) -> Any:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real_import(name, *args, **more)

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_portaudio)
    with pytest.raises(DeviceError) as raised:
        load_sounddevice("nothing works", ", or do without")
    assert str(raised.value) == (
        "PortAudio is missing, so nothing works; install it "
        "(Debian, Ubuntu: apt-get install libportaudio2), or do without"
    )
