"""Waits for what a session of the window does."""

import time
from collections.abc import Callable

from kws_app.gui.session import Session
from kws_app.gui.session_state import State, Update


def poll_until(session: Session, done: Callable[[Update], bool], seconds: float = 20) -> Update:
    """Everything that happened until something did."""
    total = Update()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        update = session.poll()
        total.heard.extend(update.heard)
        total.earlier.extend(update.earlier)
        total.moments.extend(update.moments)
        total.notices.extend(update.notices)
        if done(update):
            return total
        time.sleep(0.01)
    raise AssertionError(f"still {session.state} {session.problem!r}, {total.notices}")


def until_state(session: Session, state: State) -> Update:
    return poll_until(session, lambda _: session.state is state)
