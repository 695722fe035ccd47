"""The window as a person has it: started, looked at, steered by keys, unplugged and closed."""

import json
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from program import detections, run, start
from signals import RATE_HZ
from virtual_microphone import VirtualMicrophone, play, pluggable_microphone
from virtual_microphone import missing_program as missing_sound
from x_display import Screen, save, x_display
from x_display import missing_program as missing_screen

PATIENCE_S = 90  # a machine may be busy
# Set it to a folder to keep the pictures that the tests take.
KEEP = "SCREENSHOTS"
# What is missing is said before a display is asked for.
NOWHERE = {"DISPLAY": ":nowhere"}


class Desk:
    """A window of the program, and what a person does with it."""

    def __init__(self, screen: Screen, program: "subprocess.Popen[bytes]", folder: Path) -> None:
        self.screen = screen
        self.program = program
        self._folder = folder
        self._exports = 0
        self.until(lambda: screen.windows("^kws"))
        (self.window,) = screen.windows("^kws")

    def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something while the program runs."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert self.program.poll() is None, self.program.communicate()
            assert time.monotonic() < deadline, "it never happened"
            time.sleep(0.05)

    def until_title(self, title: str) -> None:
        self.until(lambda: self.screen.title(self.window) == title)

    def words(self) -> list[str]:
        """Those of the history, oldest first, by its menu: "Export the history"."""
        self._exports += 1
        path = self._folder / f"heard{self._exports}.jsonl"
        self.screen.press(self.window, "ctrl+e")
        self.until(lambda: self.screen.windows("^Export the history"))
        (dialog,) = self.screen.windows("^Export the history")
        self.screen.press(dialog, "ctrl+a")
        self.screen.write(str(path))
        self.screen.press(dialog, "Return")
        self.until(path.exists)
        self.until(lambda: not self.screen.windows("^Export the history"))
        return [json.loads(line)["keyword"] for line in path.read_text().splitlines()]

    def picture(self, name: str) -> np.ndarray:
        """What it shows; a copy is kept where somebody asked for it."""
        seen = self.screen.picture(self.window)
        path = self._folder / f"{name}.png"
        save(seen, path)
        if os.environ.get(KEEP):
            Path(os.environ[KEEP]).mkdir(parents=True, exist_ok=True)
            shutil.copy(path, os.environ[KEEP])
        return seen

    def ends(self, ask: Callable[[], object], ours: str = "") -> None:
        """It ends when it is asked, with status 0 and nothing to complain about.

        Args:
            ask: Asks it.
            ours: What our own lines begin with, where those of libraries do not count.
        """
        before = time.monotonic()
        ask()
        _, err = self.program.communicate(timeout=PATIENCE_S)
        # 2 s are promised, but a test is no stopwatch: --log-level=INFO shows it.
        logging.getLogger("tests").info("ended after %.2f s", time.monotonic() - before)
        said = [line for line in err.decode().splitlines() if line.startswith(ours)]
        # PortAudio and ALSA say so when a device is lost, and when it is not there at one try.
        said = [line for line in said if line and not line.startswith(("Expression ", "ALSA lib "))]
        assert (self.program.returncode, said) == (0, [])


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    pytest.importorskip("Xlib")
    if (missing := missing_screen()) is not None:
        pytest.skip(f"no screen: {missing} is not installed")
    with x_display() as made:
        yield made


@pytest.fixture
def microphone() -> Iterator[VirtualMicrophone]:
    if (missing := missing_sound()) is not None:
        pytest.skip(f"no virtual microphone: {missing} is not installed")
    with pluggable_microphone() as made:
        listed = run("--list-devices", **made.variables)
        if " pulse " not in listed.stdout:
            pytest.skip(f"no virtual microphone: ALSA has no pulse device {listed.stderr}")
        yield made


@contextmanager
def opened(
    screen: Screen, folder: Path, *arguments: str | Path, **variables: str
) -> Iterator[Desk]:
    """Start the program as a person does, with folders of its own."""
    own = {
        f"XDG_{name}_HOME": str(folder / name.lower())
        for name in ("CONFIG", "STATE", "CACHE", "DATA")
    }
    own |= {"QT_QPA_PLATFORM": "xcb", "DISPLAY": screen.name, "LANG": "C.UTF-8"} | variables
    if "not installed here" in (refused := run("--quiet", **(own | NOWHERE)).stderr):
        pytest.skip(f"no window: {refused}")
    program = start(*arguments, **own)
    try:
        yield Desk(screen, program, folder)
    finally:
        if program.poll() is None:
            program.kill()
        program.communicate()


@pytest.fixture
def desk(screen: Screen, microphone: VirtualMicrophone, tmp_path: Path) -> Iterator[Desk]:
    """A window that listens to the microphone."""
    with opened(screen, tmp_path, "--device", "pulse", **microphone.variables) as made:
        made.until_title("kws: listening")
        yield made


def test_its_words_are_those_of_the_file(
    desk: Desk, microphone: VirtualMicrophone, demo_path: Path
) -> None:
    from_file = detections(run("--headless", "--json", "--input", demo_path).stdout)
    quiet = desk.picture("window_quiet")
    player = subprocess.Popen(["paplay", str(demo_path)], env=os.environ | microphone.variables)
    differing = 0.0
    while player.poll() is None:
        now = desk.screen.picture(desk.window)
        bars = np.s_[:, round(0.6 * now.shape[1]) :]
        differing = max(differing, float(np.mean(np.any(now[bars] != quiet[bars], axis=2))))
        time.sleep(0.2)
    assert player.returncode == 0
    assert len(from_file) >= 3
    desk.until(lambda: len(desk.words()) >= len(from_file))
    assert desk.words() == [word for word, _ in from_file]
    time.sleep(0.5)  # what the dialog covered is painted again
    seen = desk.picture("window_heard")
    # The spectrogram alone has hundreds of colours; a window that was not drawn has one.
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 100
    assert np.mean(np.any(seen != quiet, axis=2)) > 0.1
    assert differing > 0.005


@pytest.mark.parametrize("how", ["cross", "ctrl+q", "SIGTERM", "SIGINT"])
def test_it_ends_when_it_is_asked(desk: Desk, tmp_path: Path, how: str) -> None:
    ask: dict[str, Callable[[], object]] = {
        "cross": lambda: desk.screen.close(desk.window),
        "ctrl+q": lambda: desk.screen.press(desk.window, "ctrl+q"),
        "SIGTERM": desk.program.terminate,
        "SIGINT": lambda: desk.program.send_signal(signal.SIGINT),
    }
    desk.ends(ask[how])
    assert "[window]" in (tmp_path / "config" / "kws" / "settings.toml").read_text()
    assert not (tmp_path / "state" / "kws" / "log" / "kws.log").exists()


@pytest.mark.parametrize("how", ["killed", "pulled out", "hanging"])
def test_a_microphone_that_goes_is_heard_again_when_it_comes_back(
    desk: Desk, microphone: VirtualMicrophone, tmp_path: Path, demo_path: Path, how: str
) -> None:
    go, come = {
        "killed": (microphone.kill, microphone.start),
        "pulled out": (microphone.pull_out, microphone.plug_in),
        "hanging": (microphone.hang, microphone.go_on),
    }[how]
    go()
    desk.until_title("kws: recovering")
    desk.picture(f"window_{how.replace(' ', '_')}")
    assert desk.words() == []
    come()
    desk.until_title("kws: listening")
    said, yes = tmp_path / "yes.wav", soundfile.read(demo_path, frames=3 * RATE_HZ)[0]
    soundfile.write(said, yes, RATE_HZ)
    desk.until(lambda: play(said, microphone.variables) or "yes" in desk.words())
    desk.ends(desk.program.terminate)
    log = (tmp_path / "state" / "kws" / "log" / "kws.log").read_text()
    lost, found = log.splitlines()
    why = "has delivered no audio for 2 s" if how == "hanging" else "has gone"
    assert lost.endswith(f"WARNING recovering: 'pulse' {why}")
    assert found.endswith("WARNING listening again")


def test_it_ends_though_the_sound_server_hangs(desk: Desk, microphone: VirtualMicrophone) -> None:
    microphone.hang()
    desk.ends(desk.program.terminate)


def test_one_that_hangs_from_the_start_on(
    screen: Screen, microphone: VirtualMicrophone, tmp_path: Path
) -> None:
    microphone.hang()
    with opened(screen, tmp_path, "--device", "pulse", **microphone.variables) as desk:
        desk.until_title("kws: starting")
        desk.ends(desk.program.terminate)
    with opened(screen, tmp_path, "--device", "pulse", **microphone.variables) as desk:
        desk.until_title("kws: no device")
        microphone.go_on()
        desk.until_title("kws: listening")
        # PortAudio, which began late, has told of every device that it did not find.
        desk.ends(desk.program.terminate, ours="kws: ")
