"""Waits for a device in a process of its own, while another one is listened to.

PortAudio lists devices anew only when it begins anew, which would close the stream that is open; a
sound server that hangs keeps only the other process waiting.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from dataclasses import asdict

from engine.audio.devices import InputDevice, find_input_device, sounddevice_for_input
from engine.audio.portaudio import rescan
from engine.errors import DeviceError

_LOOK_EVERY_S = 1.0
_BEGIN_AGAIN_S = 5.0


class DeviceWatch:
    """Begins to look at once; `close` ends it.

    Args:
        wanted: As for `find_input_device`.
    """

    def __init__(self, wanted: str | InputDevice | None) -> None:
        self._request = asdict(wanted) if isinstance(wanted, InputDevice) else wanted
        self._begin()

    def is_there(self) -> bool:
        """Whether the device has been listed."""
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
    """Look until the device is listed (status 0) or standard input ends (1)."""
    said = json.loads(request)
    wanted = InputDevice(**said) if isinstance(said, dict) else said
    while True:
        try:
            rescan(sounddevice_for_input())
            find_input_device(wanted)
        except DeviceError:
            # Whoever wants it holds the other end of the pipe, also when it is killed.
            if select.select([sys.stdin], [], [], _LOOK_EVERY_S)[0]:
                return 1
        else:
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
