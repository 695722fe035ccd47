"""Modules of this program in processes of their own."""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).parent.parent
# What the current folder holds is not the program's: `-m` alone would import from there first.
_RUN = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1)); "
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of this program, wherever it is started.

    Args:
        module: Its full name.
        arguments: For it.
    """
    return [sys.executable, "-P", "-c", _RUN, str(_ROOT), module, *arguments]
