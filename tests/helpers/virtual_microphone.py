"""A PulseAudio server of its own, whose null sink is a microphone."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("pulseaudio", "pactl", "paplay")


def missing_program() -> str | None:
    """The first program that is not installed."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), None)


@contextmanager
def virtual_microphone() -> Iterator[dict[str, str]]:
    """Run the server; yields the variables with which programs find it."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {
            "XDG_RUNTIME_DIR": folder,
            "PULSE_SERVER": f"unix:{folder}/native",
            "HOME": folder,
        }
        server = subprocess.Popen(
            _server_command(folder),
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_until_ready(server, variables)
            for command in (["set-default-sink", "virtmic"], ["set-default-source", "mic"]):
                subprocess.run(["pactl", *command], env=os.environ | variables, check=True)
            yield variables
        finally:
            server.terminate()
            server.wait(timeout=20)


def play(path: Path, variables: dict[str, str]) -> None:
    """Play a sound file into the microphone, to its end."""
    subprocess.run(["paplay", str(path)], env=os.environ | variables, check=True, timeout=120)


def _server_command(folder: str) -> list[str]:
    modules = [
        f"module-native-protocol-unix auth-anonymous=1 socket={folder}/native",
        # Without norewinds the sink renders 2 s ahead and loses the beginning of a sound.
        "module-null-sink sink_name=virtmic norewinds=1 rate=16000 channels=1 format=s16le",
        "module-remap-source master=virtmic.monitor source_name=mic rate=16000 channels=1",
    ]
    options = ["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    options += ["--disable-shm=yes", "--log-level=error"]
    return ["pulseaudio", *options, *(part for module in modules for part in ("-L", module))]


def _wait_until_ready(server: "subprocess.Popen[bytes]", variables: dict[str, str]) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(f"pulseaudio ended with status {server.returncode}")
        ready = subprocess.run(["pactl", "info"], env=os.environ | variables, capture_output=True)
        if ready.returncode == 0:
            return
        time.sleep(0.05)
    raise RuntimeError("pulseaudio did not answer within 10 s")
