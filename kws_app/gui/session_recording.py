"""Records what the model hears while the window listens, begun and ended at any time."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

from engine.errors import KwsError
from engine.types import Float32
from kws_app.recording import Recording


class SessionRecording:
    """At most one recording at a time; a source that is switched does not end it.

    Args:
        sample_rate_hz: Rate of the model.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._lock = threading.Lock()
        self._recording: Recording | None = None
        self._problem: str | None = None
        self.path: Path | None = None

    def begin(self, path: Path, most_hours: float) -> None:
        """Open the file and take everything that is heard from now on.

        Args:
            path: The file.
            most_hours: Length at which it ends by itself.

        Raises:
            ConfigError: It cannot be written.
        """
        self.end()
        recording = Recording(path, self._rate_hz, most_hours=most_hours)
        recording.__enter__()
        with self._lock:
            self._recording, self.path = recording, path

    def end(self) -> str | None:
        """Close the file, if there is one.

        Returns:
            What it holds, for people.

        Raises:
            KwsError: Its end could not be written.
        """
        with self._lock:
            recording, self._recording = self._recording, None
            path, self.path = self.path, None
        if recording is None:
            return None
        recording.__exit__(None, None, None)
        if recording.seconds == 0:
            return "Nothing was heard, so nothing was recorded."
        return f"{recording.seconds:.1f} s recorded to {path}"

    def hear(self, samples: Float32, lost_samples: int) -> None:
        """Take audio on the scorer thread; a full disk ends the recording, not the listening."""
        with self._lock:
            recording = self._recording
            if recording is None:
                return
            try:
                if recording.add(samples, lost_samples):
                    hours = recording.seconds / 3600
                    self._problem = f"{self.path} has ended at {hours:g} h; listening goes on."
                    self._recording = self.path = None
            except KwsError as err:
                self._problem = f"{err}. The recording has ended; listening goes on."
                self._recording = self.path = None
                with contextlib.suppress(KwsError):  # the first error is the one to tell
                    recording.__exit__(type(err), err, None)

    def take_problem(self) -> str | None:
        """What ended the recording since the last call."""
        problem, self._problem = self._problem, None
        return problem
