"""python -m kws_app and the script kws: a way out before anything else is loaded."""

from __future__ import annotations

import sys
from typing import NoReturn

from kws_app import signals


def start() -> NoReturn:
    """Run the program; ends the process with its status."""
    signals.leave_at_once()
    from kws_app.command_line import main

    status = main()
    signals.ignore()
    sys.exit(status)


if __name__ == "__main__":
    start()
