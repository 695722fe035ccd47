"""Records a room through the application, so that what is calibrated on is what will be heard."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import ConfigError, SourceError
from training.evaluation.intervals import hours_text

_UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3600}
_LONGEST_S = 7 * 24 * 3600


def duration_s(text: str) -> float:
    """Seconds of "90s", "30m" or "2h".

    Raises:
        ConfigError: It is no such duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip().lower())
    seconds = float(match[1]) * _UNITS_S.get(match[2], 0) if match else 0.0
    if not 0 < seconds <= _LONGEST_S:
        raise ConfigError(f"the duration is {text!r}; it must be like 90s, 30m or 2h, at most 168h")
    return seconds


def record_room(folder: Path, seconds: float, model: Path, device: str | None) -> Path:
    """Record into a new file of a folder, until the time is over or Ctrl-C.

    Args:
        folder: Made if need be.
        seconds: How long.
        model: Model folder that listens meanwhile.
        device: Microphone, by name or index; None for the default one.

    Raises:
        SourceError: Nothing was recorded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}.flac"
    command = [sys.executable, "-m", "kws_app", "--headless", "--model", str(model)]
    command += ["--record", str(path), "--duration", f"{seconds:g}"]
    command += ["--device", device] if device else []
    print(f"recording {hours_text(seconds / 3600)} into {path}: live as usual, but say no keyword")
    # Ctrl-C reaches both: the application ends its file, and then this program ends too.
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
    if not path.is_file():
        raise SourceError(
            f"nothing was recorded (status {done.returncode}); "
            "python -m kws_app --list-devices shows the microphones"
        )
    return path
