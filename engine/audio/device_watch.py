"""Waits for a device in a process of its own.

PortAudio lists devices anew only when it begins anew, which would close a stream that is open; a
sound server that hangs keeps only the other process waiting, and what PortAudio and ALSA print at
every look goes nowhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict

from engine.audio.devices import InputDevice, find_input_device, sounddevice_for_input
from engine.audio.portaudio import rescan
from engine.errors import DeviceError

_LOOK_EVERY_S = 0.5
_BEGIN_AGAIN_S = 5.0


class DeviceWatch:
    """Begins to look at once; `close` ends it.

    Args:
        wanted: Each as for `find_input_device`.
    """

    def __init__(self, wanted: Sequence[str | InputDevice | None]) -> None:
        self._request = [asdict(one) if isinstance(one, InputDevice) else one for one in wanted]
        self._begin()

    def is_there(self) -> bool:
        """Whether one of them has been listed and can be opened."""
        status = self._process.poll()
        if status not in (None, 0) and time.monotonic() - self._began >= _BEGIN_AGAIN_S:
            self.close()
            self._begin()
        return status == 0

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.kill()
        self._process.wait()

    def _begin(self) -> None:
        self._began = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603  this program itself
            [sys.executable, "-m", "engine.audio.device_watch", json.dumps(self._request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def main(request: str) -> int:
    """Look until a device is there (status 0) or standard input ends (1)."""
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    wanted = [InputDevice(**one) if isinstance(one, dict) else one for one in json.loads(request)]
    while not any(map(_can_be_opened, wanted)):
        time.sleep(_LOOK_EVERY_S)
        rescan(sounddevice_for_input())
    return 0


def _end_with_stdin() -> None:
    """End at once, also while the sound server hangs.

    Whoever wants the device holds the other end of the pipe until it dies.
    """
    os.read(0, 1)
    os._exit(1)


def _can_be_opened(wanted: str | InputDevice | None) -> bool:
    """A sound server lists its devices also while it has no microphone."""
    sounddevice = sounddevice_for_input()
    try:
        device = find_input_device(wanted)
        sounddevice.InputStream(device=device.index, channels=1, dtype="float32").close()
    except (DeviceError, sounddevice.PortAudioError, ValueError):
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
