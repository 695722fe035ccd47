"""A PulseAudio server of its own, whose null sink is a microphone.

    python tests/helpers/virtual_microphone.py RECORDING.wav COMMAND ...

runs a command that finds it as device `pulse`, and plays a recording into it again and again.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("pulseaudio", "pactl", "paplay")


def missing_program() -> str | None:
    """The first program that is not installed."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), None)


class VirtualMicrophone:
    """The server; it may be killed, stopped and brought back.

    Attributes:
        variables: With these programs find it.
    """

    def __init__(self, folder: str) -> None:
        self._socket = f"{folder}/native"
        self.variables = {
            "XDG_RUNTIME_DIR": folder,
            "PULSE_SERVER": f"unix:{self._socket}",
            "HOME": folder,
        }
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run the server, with the microphone."""
        self._server = subprocess.Popen(
            _server_command(self._socket),
            env=os.environ | self.variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _wait_until_ready(self._server, self.variables)
        self.plug_in()

    def end(self) -> None:
        """End the server in order."""
        if self._server is not None:
            self.go_on()
            self._server.terminate()
            self._server.wait(timeout=20)

    def kill(self) -> None:
        """The server dies."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(timeout=20)
        Path(self._socket).unlink()  # else the next one finds it in use

    def hang(self) -> None:
        """The server answers nobody any more."""
        assert self._server is not None
        self._server.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """End of `hang`."""
        assert self._server is not None
        self._server.send_signal(signal.SIGCONT)

    def plug_in(self) -> None:
        """A server without the microphone gets it."""
        for command in (
            # Without norewinds the sink renders 2 s ahead and loses the beginning of a sound.
            "load-module module-null-sink sink_name=virtmic norewinds=1 rate=16000 channels=1 "
            "format=s16le",
            "load-module module-remap-source master=virtmic.monitor source_name=mic rate=16000 "
            "channels=1",
            "set-default-sink virtmic",
            "set-default-source mic",
        ):
            self._pactl(command)

    def pull_out(self) -> None:
        """The server loses the microphone."""
        self._pactl("unload-module module-remap-source")
        self._pactl("unload-module module-null-sink")

    def is_listened_to(self) -> bool:
        """Whether a program has a stream open."""
        words = ["pactl", "list", "short", "source-outputs"]
        done = subprocess.run(
            words, env=os.environ | self.variables, check=True, capture_output=True
        )
        return b"protocol-native" in done.stdout

    def _pactl(self, command: str) -> None:
        words = ["pactl", *command.split()]
        subprocess.run(
            words, env=os.environ | self.variables, check=True, stdout=subprocess.DEVNULL
        )


@contextmanager
def pluggable_microphone() -> Iterator[VirtualMicrophone]:
    """One that the test may take away."""
    with tempfile.TemporaryDirectory() as folder:
        made = VirtualMicrophone(folder)
        try:
            made.start()
            yield made
        finally:
            made.end()


@contextmanager
def two_microphones() -> Iterator[tuple[VirtualMicrophone, VirtualMicrophone, dict[str, str]]]:
    """Two on servers of their own, listed as `first_mic` and `second_mic`, and the variables."""
    with pluggable_microphone() as first, pluggable_microphone() as second:
        home = Path(first.variables["HOME"])
        pcm = "pcm.{name} {{ type pulse server {server} hint {{ show on }} }}\n"
        (home / ".asoundrc").write_text(
            pcm.format(name="first_mic", server=first.variables["PULSE_SERVER"])
            + pcm.format(name="second_mic", server=second.variables["PULSE_SERVER"])
        )
        yield first, second, first.variables


@contextmanager
def virtual_microphone() -> Iterator[dict[str, str]]:
    """Run the server; yields the variables with which programs find it."""
    with pluggable_microphone() as made:
        yield made.variables


def play(path: Path, variables: dict[str, str]) -> None:
    """Play a sound file into the microphone, to its end."""
    subprocess.run(["paplay", str(path)], env=os.environ | variables, check=True, timeout=120)


def _server_command(socket: str) -> list[str]:
    module = f"module-native-protocol-unix auth-anonymous=1 socket={socket}"
    options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    options += ["--disable-shm=yes", "--log-level=error"]
    return ["pulseaudio", *options, "-L", module]


def _wait_until_ready(server: "subprocess.Popen[bytes]", variables: dict[str, str]) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(f"pulseaudio ended with status {server.returncode}")
        ready = subprocess.run(["pactl", "info"], env=os.environ | variables, capture_output=True)
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError("pulseaudio did not answer within 10 s")


def main(recording: str, *command: str) -> int:
    """Run a command beside the microphone; its status."""
    with virtual_microphone() as variables:
        program = subprocess.Popen(command, env=os.environ | variables)

        def play_on() -> None:
            while program.poll() is None:
                subprocess.run(["paplay", recording], env=os.environ | variables)

        player = threading.Thread(target=play_on)
        player.start()
        status = program.wait()
        player.join()  # to the end of the recording
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
