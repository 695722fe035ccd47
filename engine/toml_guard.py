"""Looks at TOML of unknown origin before Python parses it."""

from __future__ import annotations

import re

MAX_PARTS = 20  # of a dotted key; settings have two
# tomllib remembers every beginning of a dotted key: 100,000 parts would take all memory.
_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![\w\\-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_PARTS}}}")


def require_short_keys(text: str) -> None:
    """Refuse names of more parts than anybody writes.

    Raises:
        ValueError: There is one; it says in which line.
    """
    if found := _LONG_KEY.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise ValueError(f"the name in line {line} has more than {MAX_PARTS} parts")
