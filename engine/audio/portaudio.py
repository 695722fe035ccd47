"""The only import of sounddevice, which needs the PortAudio library."""

from __future__ import annotations

from typing import Any

from engine.errors import DeviceError


def load_sounddevice(consequence: str, way_out: str = "") -> Any:
    """The sounddevice module, imported when it is needed.

    Args:
        consequence: What there is not without it, for the message.
        way_out: What to do instead, beginning with a comma.

    Raises:
        DeviceError: PortAudio is not installed.
    """
    try:
        import sounddevice
    except OSError as err:
        raise DeviceError(
            f"PortAudio is missing, so {consequence}; install it "
            f"(Debian, Ubuntu: apt-get install libportaudio2){way_out}"
        ) from err
    return sounddevice
