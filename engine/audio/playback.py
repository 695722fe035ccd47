"""Plays samples on the default output device."""

from __future__ import annotations

from engine.audio.portaudio import load_sounddevice, playing
from engine.errors import DeviceError
from engine.types import Float32


def play(samples: Float32, rate_hz: int) -> None:
    """Play to the end.

    Args:
        samples: Mono, shape [n].
        rate_hz: Their rate.

    Raises:
        DeviceError: There is no PortAudio, or no output that plays them.
    """
    sounddevice = load_sounddevice("nothing can be played")
    try:
        with playing:
            sounddevice.play(samples, rate_hz, blocking=True)
    except (sounddevice.PortAudioError, ValueError) as err:
        raise DeviceError(
            f"nothing can be played: {err}; plug in a loudspeaker or headphones"
        ) from err
