"""What the settings make the window listen to, and who hears of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.audio.file import FileSource
from engine.audio.paced import PacedSource
from engine.audio.source import Source
from engine.errors import ConfigError
from engine.scorer import ScoredWindow
from engine.types import Detection, Float32
from kws_app.listening import make_microphone
from kws_app.settings import Settings


def make_source(
    settings: Settings, rate_hz: int, *, look_again: bool
) -> tuple[Source, FileSource | None]:
    """The source that the settings name.

    Args:
        settings: The settings.
        rate_hz: Rate of the model.
        look_again: Whether to list the microphones anew before one is opened.

    Returns:
        The source, and the file in it if there is one.

    Raises:
        KwsError: There is no such file, or it is none of sound.
    """
    if settings.input is None:
        return make_microphone(settings, rate_hz, look_again=look_again), None
    if settings.input == "-":
        raise ConfigError("the window does not read standard input; use --headless for that")
    path = Path(settings.input)
    if _is_no_file(path):  # a pipe may keep its reader waiting for ever
        raise ConfigError(f"{path} is no file; the window plays recordings that lie on a disk")
    file = FileSource(path, rate_hz)
    return PacedSource(file, rate_hz), file


def _is_no_file(path: Path) -> bool:
    try:
        return path.exists() and not path.is_file()
    except OSError:  # told by who opens it
        return False


def same_pipeline(one: Settings, other: Settings) -> bool:
    """Whether only the decision, or what is kept, differs."""
    return all(
        getattr(one, name) == getattr(other, name)
        for name in ("device", "fallback_device", "input", "rate", "channels", "model", "backend")
    )


Hear = Callable[[Float32, int], None]
See = Callable[[ScoredWindow], None]


def each_hears(*consumers: Hear) -> Hear:
    """Hands the audio of a pipeline to several, in order."""

    def hear(samples: Float32, lost_samples: int) -> None:
        for consumer in consumers:
            consumer(samples, lost_samples)

    return hear


def each_sees(*consumers: See, on_detection: Callable[[Detection], None]) -> See:
    """Hands the windows of a pipeline to several, in order, and then their detections."""

    def see(scored: ScoredWindow) -> None:
        for consumer in consumers:
            consumer(scored)
        for detection in scored.detections:
            on_detection(detection)

    return see
