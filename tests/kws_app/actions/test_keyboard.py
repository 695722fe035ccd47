"""Keys that a real X server delivers to the window that has the focus."""

import gc
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError, KwsError
from kws_app.actions import keyboard
from kws_app.actions.keyboard import check_keystroke, press
from kws_app.actions.keys import parse_keystroke

SHIFT, CTRL = 1, 4  # bits of the state of an event


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The name of a display."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    yield f":{process.stdout.readline().strip()}"
    process.terminate()
    process.wait()
    process.stdout.close()


class Focused:
    """A window with the focus."""

    def __init__(self) -> None:
        from Xlib import X
        from Xlib.display import Display

        self.display = Display()
        root = self.display.screen().root
        mask = X.KeyPressMask | X.KeyReleaseMask | X.StructureNotifyMask
        self.window = root.create_window(0, 0, 9, 9, 0, X.CopyFromParent, event_mask=mask)
        self.window.map()
        while self.display.next_event().type != X.MapNotify:
            pass
        self.window.set_input_focus(X.RevertToParent, X.CurrentTime)
        self.display.sync()

    def events(self) -> list[tuple[str, int, int]]:
        """What was pressed and released so far: which, keysym, state."""
        from Xlib import X

        self.display.sync()
        got = []
        while self.display.pending_events():
            event = self.display.next_event()
            if event.type in (X.KeyPress, X.KeyRelease):
                name = "down" if event.type == X.KeyPress else "up"
                keysym = self.display.keycode_to_keysym(event.detail, 0)
                got.append((name, keysym, event.state))
        return got


@pytest.fixture
def window(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Focused]:
    monkeypatch.setenv("DISPLAY", server)
    monkeypatch.delenv("XAUTHORITY", raising=False)
    focused = Focused()
    yield focused
    focused.display.close()


def test_keys_go_down_in_order_and_come_up_again(window: Focused) -> None:
    assert press(parse_keystroke("ctrl+shift+m")).text == "pressed"
    assert window.events() == [
        ("down", 0xFFE3, 0),
        ("down", 0xFFE1, CTRL),
        ("down", 0x6D, CTRL | SHIFT),
        ("up", 0x6D, CTRL | SHIFT),
        ("up", 0xFFE1, CTRL | SHIFT),
        ("up", 0xFFE3, CTRL),
    ]


def test_shift_comes_by_itself_where_the_layout_needs_it(window: Focused) -> None:
    press(parse_keystroke("ctrl+plus"))
    press(parse_keystroke("shift+plus"))
    pressed = [event for event in window.events() if event[0] == "down"]
    assert pressed == [
        ("down", 0xFFE1, 0),
        ("down", 0xFFE3, SHIFT),
        ("down", 0x3D, CTRL | SHIFT),
        ("down", 0xFFE1, 0),
        ("down", 0x3D, SHIFT),
    ]


def test_shift_does_not_go_down_twice(window: Focused) -> None:
    assert len(keyboard._keycodes(window.display, parse_keystroke("shift+plus"))) == 2
    assert len(keyboard._keycodes(window.display, parse_keystroke("plus"))) == 2
    assert len(keyboard._keycodes(window.display, parse_keystroke("m"))) == 1


def test_no_key_stays_down_after_a_failure(
    window: Focused, monkeypatch: pytest.MonkeyPatch
) -> None:
    from Xlib import X
    from Xlib.display import Display

    send = Display.__getattr__

    def fail_at_m(display: Any, name: str) -> Any:
        real = send(display, name)
        if name != "xtest_fake_input":
            return real

        def fake_input(kind: int, code: int) -> None:
            if kind == X.KeyPress and display.keycode_to_keysym(code, 0) == 0x6D:
                raise RuntimeError
            real(kind, code)

        return fake_input

    monkeypatch.setattr(Display, "__getattr__", fail_at_m)
    with pytest.raises(RuntimeError):
        press(parse_keystroke("ctrl+m"))
    assert [event[:2] for event in window.events() if event[1] == 0xFFE3] == [
        ("down", 0xFFE3),
        ("up", 0xFFE3),
    ]


def test_keys_that_the_keyboard_lacks(window: Focused) -> None:
    check_keystroke(parse_keystroke("ctrl+m"), "here")
    with pytest.raises(
        ConfigError, match="here: keystroke '€': the keyboard of this X display has"
    ):
        check_keystroke(parse_keystroke("€"), "here")


@pytest.fixture
def collected() -> Iterator[None]:
    """What a library leaves open is closed while its warnings are ignored."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # Xlib's sockets that failed
@pytest.mark.usefixtures("collected")
@pytest.mark.parametrize("display", ["", ":250", "nonsense"])
def test_without_a_display(monkeypatch: pytest.MonkeyPatch, display: str) -> None:
    monkeypatch.setenv("DISPLAY", display)
    with pytest.raises(ConfigError, match=r"here: keystroke needs an X display: .*is DISPLAY set"):
        check_keystroke(parse_keystroke("m"), "here")
    with pytest.raises(KwsError, match=r"^keystroke needs an X display: [^\n]*$"):
        press(parse_keystroke("m"))


def test_without_xtest(window: Focused, monkeypatch: pytest.MonkeyPatch) -> None:
    from Xlib.display import Display

    monkeypatch.setattr(Display, "has_extension", lambda *_: False)
    with pytest.raises(KwsError, match="needs the XTEST extension, which this X server lacks"):
        press(parse_keystroke("m"))


def test_without_python_xlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "Xlib.display", None)
    with pytest.raises(
        ConfigError, match=r"here: keystroke needs python-xlib; install it with pip"
    ):
        check_keystroke(parse_keystroke("m"), "here")


def test_stdout_belongs_to_the_detections(
    window: Focused,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = tmp_path / "authority"
    empty.touch()
    monkeypatch.setenv("XAUTHORITY", str(empty))
    press(parse_keystroke("m"))
    assert capsys.readouterr() == ("", "")


def test_two_keystrokes_do_not_mix(window: Focused) -> None:
    with keyboard._pressing:
        thread = threading.Thread(target=press, args=(parse_keystroke("m"),))
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
    thread.join()
    assert len(window.events()) == 2
