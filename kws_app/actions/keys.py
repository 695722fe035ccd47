"""Names of keys to X keysyms (X11/keysymdef.h, X11/XF86keysym.h)."""

from __future__ import annotations

from kws_app.actions.action import Keystroke
from kws_app.arguments import hint

_MODIFIERS = {"ctrl": 0xFFE3, "shift": 0xFFE1, "alt": 0xFFE9, "super": 0xFFEB, "altgr": 0xFE03}
_NAMED = {
    "enter": 0xFF0D,
    "esc": 0xFF1B,
    "tab": 0xFF09,
    "space": 0x20,
    "plus": 0x2B,
    "backspace": 0xFF08,
    "delete": 0xFFFF,
    "insert": 0xFF63,
    "home": 0xFF50,
    "left": 0xFF51,
    "up": 0xFF52,
    "right": 0xFF53,
    "down": 0xFF54,
    "pageup": 0xFF55,
    "pagedown": 0xFF56,
    "end": 0xFF57,
    "print": 0xFF61,
    "pause": 0xFF13,
    "menu": 0xFF67,
    "volumedown": 0x1008FF11,
    "volumemute": 0x1008FF12,
    "volumeup": 0x1008FF13,
    "mediaplay": 0x1008FF14,
    "mediastop": 0x1008FF15,
    "mediaprevious": 0x1008FF16,
    "medianext": 0x1008FF17,
    "micmute": 0x1008FFB2,
} | {f"f{number}": 0xFFBD + number for number in range(1, 25)}
_UNICODE = 0x01000000  # a keysym for each character that has none of its own
SHIFT = _MODIFIERS["shift"]


def parse_keystroke(text: str) -> Keystroke:
    """From "ctrl+shift+m" to keysyms.

    Raises:
        ValueError: What is wrong, in a few words.
    """
    *modifiers, key = [part.strip().lower() for part in text.split("+")]
    for name in modifiers:
        if name not in _MODIFIERS:
            raise ValueError(
                f"{name!r} is no modifier{hint(name, _MODIFIERS)}; "
                f"those are {', '.join(_MODIFIERS)}, and the key comes last"
            )
    if len(set(modifiers)) < len(modifiers):
        raise ValueError("a modifier is there twice")
    if not key:
        raise ValueError('it ends without a key, for example "ctrl+m"; the key + is "plus"')
    return Keystroke(
        text="+".join([*modifiers, key]),
        keysyms=(*(_MODIFIERS[name] for name in modifiers), _keysym(key)),
    )


def _keysym(key: str) -> int:
    if key in _NAMED:
        return _NAMED[key]
    if len(key) == 1 and key.isprintable():
        return ord(key) if ord(key) < 0x100 else _UNICODE + ord(key)
    raise ValueError(
        f"{key!r} is no key{hint(key, _NAMED)}; it must be one character or one of "
        + ", ".join(_NAMED)
    )
