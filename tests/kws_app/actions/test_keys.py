"""Keystrokes as people write them."""

import pytest

from kws_app.actions.keys import parse_keystroke


@pytest.mark.parametrize(
    ("text", "keysyms"),
    [
        ("m", (0x6D,)),
        ("Ctrl + Shift + M", (0xFFE3, 0xFFE1, 0x6D)),
        ("alt+f4", (0xFFE9, 0xFFC1)),
        ("f1", (0xFFBE,)),
        ("f24", (0xFFD5,)),
        ("super+space", (0xFFEB, 0x20)),
        ("altgr+?", (0xFE03, 0x3F)),
        ("ctrl+plus", (0xFFE3, 0x2B)),
        ("ä", (0xE4,)),
        ("€", (0x010020AC,)),
        ("mediaplay", (0x1008FF14,)),
    ],
)
def test_keysyms(text: str, keysyms: tuple[int, ...]) -> None:
    assert parse_keystroke(text).keysyms == keysyms


def test_the_text_is_tidied() -> None:
    assert parse_keystroke("Ctrl + M").text == "ctrl+m"


def test_names_agree_with_the_tables_of_python_xlib() -> None:
    xk = pytest.importorskip("Xlib.XK")
    xk.load_keysym_group("xf86")
    names = {"enter": "Return", "esc": "Escape", "pagedown": "Next", "pageup": "Prior"}
    names |= {"volumemute": "XF86_AudioMute", "medianext": "XF86_AudioNext", "f12": "F12"}
    names |= {"menu": "Menu", "delete": "Delete", "altgr+print": "Print", "end": "End"}
    for own, theirs in names.items():
        assert parse_keystroke(own).keysyms[-1] == xk.string_to_keysym(theirs), own


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crtl+m", r"'crtl' is no modifier \(did you mean 'ctrl'\?\); those are ctrl, shift, alt"),
        ("m+ctrl", "'m' is no modifier; .* the key comes last"),
        ("ctrl+", 'it ends without a key, for example "ctrl\\+m"; the key \\+ is "plus"'),
        ("ctrl+ctrl+m", "a modifier is there twice"),
        ("ctrl+entr", r"'entr' is no key \(did you mean 'enter'\?\); it must be one character"),
        ("ctrl", "'ctrl' is no key"),
        ("hello", "'hello' is no key"),
        ("f25", "'f25' is no key"),
        ("\x07", "'\\\\x07' is no key"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_keystroke(text)
