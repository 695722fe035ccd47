"""Waits for a device in a process of its own.

PortAudio lists devices anew only when it begins anew, which would close a stream that is open; a
sound server that hangs keeps only the other process waiting, and what PortAudio and ALSA print at
every look goes nowhere.
"""

from __future__ import annotations

import contextlib
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
from engine.own_process import module_command

_LOOK_EVERY_S = 0.5
_BEGIN_AGAIN_S = 5.0
# PortAudio leaves some kilobytes behind each time that it begins: the process is begun anew, too.
_LOOKS = 600
_HANGS_S = 2.0  # a look that takes longer


class DeviceWatch:
    """Begins to look at once; `close` ends it.

    Args:
        wanted: Each as for `find_input_device`.
    """

    def __init__(self, wanted: Sequence[str | InputDevice | None]) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._request = [asdict(one) if isinstance(one, InputDevice) else one for one in wanted]
        self._begin()

    def is_there(self) -> bool:
        """Whether one of them has been listed and can be opened."""
        status = self._process.poll() if self._process is not None else None
        is_looking = self._process is not None and status in (None, 0)
        if not is_looking and time.monotonic() - self._began >= _BEGIN_AGAIN_S:
            self.close()
            self._begin()
        return status == 0

    def is_listing(self) -> bool:
        """Whether devices can be listed anew now: no driver or server that hangs holds it up."""
        if self._process is None or self._process.poll() not in (None, 0, 2):
            return True  # it cannot look; somebody must
        assert self._process.stdout is not None  # noqa: S101  a pipe
        with contextlib.suppress(BlockingIOError):
            while os.read(self._process.stdout.fileno(), 4096):
                self._looked = time.monotonic()
        return time.monotonic() - self._looked < _HANGS_S

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.kill()
        process.wait()

    def _begin(self) -> None:
        self._began, self._looked = time.monotonic(), -_HANGS_S
        with contextlib.suppress(OSError):  # no descriptors, no memory, no interpreter: for now
            self._process = subprocess.Popen(  # noqa: S603  this program itself
                module_command("engine.audio.device_watch", json.dumps(self._request)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            assert self._process.stdout is not None  # noqa: S101  a pipe
            os.set_blocking(self._process.stdout.fileno(), False)


def main(request: str) -> int:
    """Look until a device is there (status 0), standard input ends (1) or it has looked often (2).

    Each look is a byte on standard output.
    """
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    wanted = [InputDevice(**one) if isinstance(one, dict) else one for one in json.loads(request)]
    for _ in range(_LOOKS):
        if any(map(_can_be_opened, wanted)):
            return 0
        os.write(1, b".")
        time.sleep(_LOOK_EVERY_S)
        rescan(sounddevice_for_input())
    return 2


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
