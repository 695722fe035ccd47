"""python -m kws_app and the script kws: a way out before anything else is loaded."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import NoReturn

from kws_app import signals


def start() -> NoReturn:
    """Run the program; ends the process with its status."""
    signals.leave_at_once()
    from kws_app.command_line import main

    status = main()
    signals.ignore()
    _end_beside_a_runaway(status)
    sys.exit(status)


def _end_beside_a_runaway(status: int) -> None:
    """End at once where a thread of PortAudio would crash in the usual end of a process."""
    native_threads = sys.modules.get("engine.audio.native_threads")
    if native_threads is not None and native_threads.was_found():
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or full
            sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    start()
