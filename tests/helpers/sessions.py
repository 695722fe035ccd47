"""Feeds a session of the window, and waits for what it does."""

import time
from collections.abc import Callable

import numpy as np
from fake_sounddevice import FakeSounddevice

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


def feed(portaudio: FakeSounddevice, samples: np.ndarray) -> None:
    """As a device does, block by block; the ring behind it holds four seconds."""
    for first in range(0, len(samples), 320):
        portaudio.streams[-1].deliver(samples[first : first + 320])
        time.sleep(0.001)
