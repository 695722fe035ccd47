"""The microphone that the settings name, with what is listened to while it is away."""

from __future__ import annotations

from collections.abc import Sequence

from engine.audio.device_watch import DeviceWatch
from engine.audio.microphone import MicrophoneSource
from engine.audio.opening import Device
from engine.audio.recovering import RecoveringSource
from kws_app.settings import Settings


def make_microphone(
    settings: Settings, model_rate_hz: int, *, look_again: bool = False
) -> RecoveringSource:
    """Nothing is opened yet.

    Args:
        settings: Name the device, its fallback, rate and channels.
        model_rate_hz: Rate of the model.
        look_again: Whether to list the microphones anew before one is opened.
    """
    device = MicrophoneSource(
        settings.device,
        model_rate_hz,
        rate_hz=settings.rate,
        channels=settings.channels,
        look_again=look_again,
    )
    fallback = None
    if settings.fallback_device is not None:
        # At its own rate: --rate was chosen for the other one.
        fallback = MicrophoneSource(settings.fallback_device, model_rate_hz)
    return RecoveringSource(device, model_rate_hz, watch=_watch, fallback=fallback)


def _watch(devices: Sequence[Device]) -> DeviceWatch:
    return DeviceWatch([device.wanted for device in devices])
