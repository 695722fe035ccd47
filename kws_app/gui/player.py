"""Plays clips, one at a time, without holding up the window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from engine.audio.playback import play
from engine.errors import KwsError
from engine.types import Float32
from kws_app.pcm import Int16

_ECHO_S = 2.0  # a window, its smoothing, and what is on its way through a loudspeaker


class Player:
    """A thread for each clip; while one plays, others are refused.

    Args:
        play: Plays samples to their end.
    """

    def __init__(self, play: Callable[[Float32, int], None] = play) -> None:
        self._play = play
        self._thread: threading.Thread | None = None
        self._problem: str | None = None
        self._ended_at_s = float("-inf")

    @property
    def is_heard(self) -> bool:
        """Whether a microphone may hear a clip of ours, or did in what is being decided."""
        is_playing = self._thread is not None and self._thread.is_alive()
        return is_playing or time.monotonic() < self._ended_at_s + _ECHO_S

    def start(self, clip: Int16, rate_hz: int) -> bool:
        """Play a clip; False while another one plays."""
        if self._thread is not None and self._thread.is_alive():
            return False
        samples = (clip / np.float32(32_768)).astype(np.float32)
        self._thread = threading.Thread(
            target=self._run, args=(samples, rate_hz), name="player", daemon=True
        )
        self._thread.start()
        return True

    def take_problem(self) -> str | None:
        """Why the last clip could not be played."""
        problem, self._problem = self._problem, None
        return problem

    def join(self, timeout_s: float) -> None:
        """Wait for the clip that plays."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _run(self, samples: Float32, rate_hz: int) -> None:
        try:
            self._play(samples, rate_hz)
        except KwsError as err:
            self._problem = str(err)
        finally:
            self._ended_at_s = time.monotonic()
