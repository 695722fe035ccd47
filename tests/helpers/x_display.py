"""A screen that nobody sees, with a person's hands and eyes: Xvfb, xdotool and python-xlib."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

PROGRAMS = ("Xvfb", "xdotool")


def missing_program() -> str | None:
    """The first program that is not installed."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), None)


class Screen:
    """A running X server.

    Attributes:
        name: Its DISPLAY.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def windows(self, title: str) -> list[str]:
        """The numbers of the visible windows with a title (a regular expression)."""
        return self._do("search", "--onlyvisible", "--name", title).split()

    def title(self, window: str) -> str:
        """What stands in its bar."""
        return self._do("getwindowname", window).strip()

    def press(self, window: str, keys: str) -> None:
        """Press keys in a window, for example "ctrl+q". No window manager gives it the focus."""
        self._do("windowfocus", "--sync", window)
        self._do("key", keys)

    def write(self, text: str) -> None:
        """Type where the focus is."""
        self._do("type", text)

    def close(self, window: str) -> None:
        """What a window manager does when somebody clicks on the cross or presses Alt+F4."""
        from Xlib import X, display
        from Xlib.protocol.event import ClientMessage

        connection = display.Display(self.name)
        try:
            protocols, delete = (
                connection.intern_atom(name) for name in ("WM_PROTOCOLS", "WM_DELETE_WINDOW")
            )
            target = connection.create_resource_object("window", int(window))
            assert delete in target.get_wm_protocols()
            data = (32, [delete, X.CurrentTime, 0, 0, 0])
            message = ClientMessage(window=target, client_type=protocols, data=data)
            target.send_event(message)
            connection.sync()
        finally:
            connection.close()

    def picture(self, window: str) -> np.ndarray:
        """What a window shows: shape [height, width, 3], red, green, blue."""
        from Xlib import X, display

        connection = display.Display(self.name)
        try:
            target = connection.create_resource_object("window", int(window))
            size = target.get_geometry()
            got = target.get_image(0, 0, size.width, size.height, X.ZPixmap, 0xFFFFFFFF)
        finally:
            connection.close()
        pixels = np.frombuffer(got.data, np.uint8).reshape(size.height, size.width, 4)
        return pixels[:, :, 2::-1].copy()

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            ["xdotool", *words],
            env=os.environ | {"DISPLAY": self.name},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout


def save(picture: np.ndarray, path: Path) -> None:
    """Write a picture as PNG."""
    from qtpy.QtGui import QImage

    height, width, _ = picture.shape
    data = np.ascontiguousarray(picture).tobytes()
    assert QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).save(str(path))


@contextmanager
def x_display(width: int = 1_280, height: int = 900) -> Iterator[Screen]:
    """Run a server on a number that is free."""
    reader, writer = os.pipe()
    server = subprocess.Popen(
        [
            *("Xvfb", "-displayfd", str(writer), "-screen", "0", f"{width}x{height}x24"),
            *("-nolisten", "tcp", "-noreset"),
        ],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as lines:
            number = lines.readline().strip()
        assert number, f"Xvfb ended with status {server.wait(20)}"
        yield Screen(f":{number}")
    finally:
        server.terminate()
        server.wait(timeout=20)
