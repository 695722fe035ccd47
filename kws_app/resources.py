"""Finds what comes along with the program: the model, the icon, the desktop entry."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
# A wheel carries the folder inside this package, a checkout has it at its root.
_FOLDERS = (_HERE / "assets", _HERE.parent / "assets")


def asset(name: str) -> Path:
    """The path of a file or folder below `assets`, whether it is there or not."""
    paths = [folder / name for folder in _FOLDERS]
    return next((path for path in paths if path.exists()), paths[-1])
