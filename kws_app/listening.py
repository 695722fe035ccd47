"""The microphone that the settings name, with what is listened to while it is away."""

from __future__ import annotations

from engine.audio.device_watch import DeviceWatch
from engine.audio.microphone import MicrophoneSource
from engine.audio.recovering import Device, RecoveringSource
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
    microphone = MicrophoneSource(
        settings.device,
        model_rate_hz,
        rate_hz=settings.rate,
        channels=settings.channels,
        look_again=look_again,
    )
    if settings.fallback_device is None:
        return RecoveringSource(microphone, model_rate_hz)

    def watch(_: Device) -> DeviceWatch:
        return DeviceWatch(microphone.device or settings.device)

    # At its own rate: --rate was chosen for the other one.
    fallback = MicrophoneSource(settings.fallback_device, model_rate_hz)
    return RecoveringSource(microphone, model_rate_hz, fallback=fallback, watch=watch)
