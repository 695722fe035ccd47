"""One stream of the window: pipeline, queue and source, from beginning to end. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.audio.file import FileSource
from engine.audio.paced import PacedSource
from engine.audio.source import Source
from engine.backends import ChosenBackend
from engine.config import DecisionConfig
from engine.consumers import EventQueue
from engine.errors import KwsError
from engine.manifest import ModelManifest
from engine.pipeline import Pipeline
from engine.types import Event, Heard, Started
from kws_app.gui.session_source import Hear, See

_QUEUE_EVENTS = 4_096
_STATS_EVERY_S = 1.0
_END_S = 1.5  # a microphone that hangs when it is closed is given up after 1 s


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a stream ended.

    Attributes:
        started: What it told of its beginning, if nobody had taken that.
        heard: Detections that nobody had taken.
        failure: What ended it.
        defect: The same, where it is a fault of the program.
        notice: For people; a thread that did not end.
    """

    started: Started | None = None
    heard: list[Heard] = field(default_factory=list)
    failure: KwsError | None = None
    defect: BaseException | None = None
    notice: str = ""


class SessionStream:
    """Listens as soon as it is started.

    Args:
        source: Where samples come from.
        file: The recording within, if it is one.
        chosen: The backend.
        manifest: The model.
        decision: What decides at first.
        hear: Called on the scorer thread with samples.
        see: Called on the scorer thread with scored windows.
    """

    def __init__(
        self,
        source: Source,
        file: FileSource | None,
        chosen: ChosenBackend,
        manifest: ModelManifest,
        decision: DecisionConfig,
        *,
        hear: Hear,
        see: See,
    ) -> None:
        self.source = source
        self.is_held = False
        self._file = file
        self._chosen = chosen
        self._queue = EventQueue(_QUEUE_EVENTS, drop_oldest=True)
        self._pipeline = Pipeline(
            source,
            manifest,
            chosen,
            decision,
            [self._queue],
            on_audio=hear,
            on_window=see,
            stats_every_s=_STATS_EVERY_S,
        )
        self._pipeline.start()

    @property
    def duration_s(self) -> float:
        """Length of the recording; 0 for a microphone."""
        return self._file.duration_s if self._file is not None else 0.0

    @property
    def building(self) -> tuple[str, float] | None:
        """Who builds a plan beside the listening, and the share of it that is done."""
        return self._chosen.building

    def hold(self) -> bool:
        """Keep a recording where it is; False for a source that can't be held."""
        if isinstance(self.source, PacedSource):
            self.source.hold()
            self.is_held = True
        return self.is_held

    def go_on(self) -> None:
        """Go on where `hold` stopped it."""
        if isinstance(self.source, PacedSource):
            self.source.go_on()
            self.is_held = False

    def set_decision(self, decision: DecisionConfig) -> None:
        """Decide otherwise from the next block on."""
        self._pipeline.set_decision(decision)

    def next_event(self) -> Event | None:
        """What it told and nobody has taken."""
        return self._queue.get(0)

    def end(self) -> Ended:
        """End it, or see how it ended; returns within two seconds."""
        self._pipeline.stop()
        notice, failure, defect = "", None, None
        try:
            self._pipeline.join(timeout_s=_END_S)
        except KwsError as err:
            failure = err
        except BaseException as err:  # noqa: BLE001  raised again on the window's thread
            if self._pipeline.is_alive:  # what ended a thread may be a TimeoutError, too
                notice = f"{err}; a driver may be stuck"
            else:
                defect = err
        # Actions of what was heard have run, so it must be shown.
        started, heard = self._take_rest()
        self._queue.close()
        return Ended(started=started, heard=heard, failure=failure, defect=defect, notice=notice)

    def _take_rest(self) -> tuple[Started | None, list[Heard]]:
        started: Started | None = None
        heard: list[Heard] = []
        while (event := self.next_event()) is not None:
            if isinstance(event, Started):
                started = event
            elif isinstance(event, Heard):
                heard.append(event)
        return started, heard
