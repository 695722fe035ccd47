"""A stand-in for PortAudio, and devices that go and come back."""

import sys

import pytest
from device_world import Device, Watch, World
from fake_sounddevice import FakeSounddevice

from engine.audio.recovering import RecoveringSource


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def source(world: World) -> RecoveringSource:
    return RecoveringSource(
        Device(world, "mic"),
        16_000,
        watch=lambda devices: Watch(world, devices),
        clock=world.clock.read,
        sleep=world.clock.sleep,
    )


@pytest.fixture
def backed(world: World) -> RecoveringSource:
    """One with a fallback."""
    return RecoveringSource(
        Device(world, "mic"),
        16_000,
        fallback=Device(world, "other"),
        watch=lambda devices: Watch(world, devices),
        clock=world.clock.read,
        sleep=world.clock.sleep,
    )
