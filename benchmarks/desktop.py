"""A display to show a window on, and the window as its desktop handles it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCREEN_PX = (1_920, 1_080)
_FOUND_WITHIN_S = 60.0


@contextmanager
def a_display() -> Iterator[tuple[str, int | None]]:
    """The display that is there, or an Xvfb of our own.

    Yields:
        Its name, and the process of our own Xvfb, which draws in software.
    """
    if os.environ.get("DISPLAY"):
        yield os.environ["DISPLAY"], None
        return
    if shutil.which("Xvfb") is None:
        raise SystemExit("DISPLAY is not set and Xvfb is missing: apt-get install xvfb")
    read, write = os.pipe()
    width, height = SCREEN_PX
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)  # noqa: S603
    os.close(write)
    try:
        with os.fdopen(read) as file:
            yield f":{file.readline().strip()}", server.pid
    finally:
        server.terminate()
        server.wait()


class DesktopWindow:
    """The main window of a program that has just been started; it is waited for.

    Args:
        display: Name of the X display.
        program: The program.

    Raises:
        SystemExit: It ended, or shows none.
    """

    def __init__(self, display: str, program: subprocess.Popen[Any]) -> None:
        from Xlib.display import Display

        self._display = Display(display)
        self._pid_name = self._display.intern_atom("_NET_WM_PID")
        try:
            self._window = self._found(program)
        except SystemExit:
            self.close()
            raise

    def show(self, width_px: int, height_px: int) -> None:
        """Show it in a size."""
        self._window.map()
        self._window.configure(x=0, y=0, width=width_px, height=height_px)
        self._display.sync()

    def hide(self) -> None:
        """Unmap it, which is what a window manager does to minimise a window."""
        self._window.unmap()
        self._display.sync()

    def close(self) -> None:
        """Leave the display."""
        self._display.close()

    def _found(self, program: subprocess.Popen[Any]) -> Any:
        until = time.monotonic() + _FOUND_WITHIN_S
        while program.poll() is None and time.monotonic() < until:
            for window in _below(self._display.screen().root):
                if window.get_wm_class() and self._pid_of(window) == program.pid:
                    return window
            time.sleep(0.2)
        raise SystemExit(
            "the program has ended before it showed a window"
            if program.poll() is not None
            else f"the program shows no window within {_FOUND_WITHIN_S:g} s"
        )

    def _pid_of(self, window: Any) -> int | None:
        found = window.get_full_property(self._pid_name, 0)  # of any type
        return int(found.value[0]) if found is not None else None


def _below(window: Any) -> Iterator[Any]:
    """All windows within one: a window manager puts a frame around those of programs."""
    for child in window.query_tree().children:
        yield child
        yield from _below(child)
