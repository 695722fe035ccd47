"""Presses keys through the XTEST extension of an X server. The only file that imports Xlib."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from engine.errors import ConfigError, KwsError
from kws_app.actions.action import Keystroke
from kws_app.actions.keys import SHIFT
from kws_app.actions.runs import Outcome

_pressing = threading.Lock()  # two keystrokes must not mix


def check_keystroke(keystroke: Keystroke, place: str) -> None:
    """Raise ConfigError when it cannot be pressed here."""
    try:
        with _display() as display:
            _keycodes(display, keystroke)
    except ImportError as err:
        raise ConfigError(
            f"{place}: keystroke needs python-xlib; install it with pip install '.[actions]'"
        ) from err
    except KwsError as err:
        raise ConfigError(f"{place}: {err}") from err


def press(keystroke: Keystroke) -> Outcome:
    """Press the keys in their order and let them go in the other one.

    Raises:
        KwsError: There is no X server, or a key is not on its keyboard.
    """
    with _pressing, _display() as display:
        _press(display, _keycodes(display, keystroke))
    return Outcome(text="pressed", failed=False)


def _press(display: Any, keycodes: list[int]) -> None:
    from Xlib import X

    down: list[int] = []
    try:
        for keycode in keycodes:
            down.append(keycode)
            display.xtest_fake_input(X.KeyPress, keycode)
    finally:
        # A key that stays down would repeat, and a modifier would change all that is typed.
        for keycode in reversed(down):
            display.xtest_fake_input(X.KeyRelease, keycode)
        display.sync()


@contextlib.contextmanager
def _display() -> Iterator[Any]:
    import Xlib.display
    import Xlib.error
    import Xlib.xauth

    # Its warning about an empty authority file would go to stdout, among the detections.
    vars(Xlib.xauth)["print"] = lambda *_: None
    try:
        display = Xlib.display.Display()
    except (Xlib.error.DisplayError, Xlib.error.XauthError, OSError) as err:
        raise KwsError(
            f"keystroke needs an X display: {_one_line(err)}; "
            "is DISPLAY set, and may this user reach it?"
        ) from err
    try:
        if not display.has_extension("XTEST"):
            raise KwsError("keystroke needs the XTEST extension, which this X server lacks")
        yield display
    except Xlib.error.ConnectionClosedError as err:
        raise KwsError("the X server closed the connection") from err
    finally:
        with contextlib.suppress(Xlib.error.ConnectionClosedError):
            display.close()


def _keycodes(display: Any, keystroke: Keystroke) -> list[int]:
    """Keycodes in the order of the keysyms; with Shift where the layout needs it for the key."""
    found = [_keycode(display, keysym, keystroke.text) for keysym in keystroke.keysyms]
    codes = [code for code, _ in found]
    if found[-1][1] and SHIFT not in keystroke.keysyms:
        codes.insert(0, _keycode(display, SHIFT, keystroke.text)[0])
    return codes


def _keycode(display: Any, keysym: int, text: str) -> tuple[int, bool]:
    """The key that has this keysym, and whether it needs Shift."""
    for code, level in display.keysym_to_keycodes(keysym):
        if level in (0, 1):
            return code, level == 1
    raise KwsError(f"keystroke {text!r}: the keyboard of this X display has no such key")


def _one_line(err: BaseException) -> str:
    return " ".join(str(err).split())
