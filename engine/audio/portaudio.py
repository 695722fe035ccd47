"""The only import of sounddevice, which needs the PortAudio library."""

from __future__ import annotations

import threading
from typing import Any

from engine.errors import DeviceError

# PortAudio lists devices once, when it is initialised, and to do it again closes every stream.
# Held while something plays, so that a new list waits for the next time.
playing = threading.Lock()


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


def rescan(sounddevice: Any) -> None:
    """Have PortAudio look for devices again; call it only while no input is open."""
    if not playing.acquire(blocking=False):
        return
    try:
        # sounddevice has no public way to do this.
        sounddevice._terminate()
        sounddevice._initialize()
    finally:
        playing.release()
