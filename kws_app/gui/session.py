"""What the window listens with: one pipeline at a time, started, switched, recovered and ended.

Every method is called on the window's thread, none waits for a device: pipelines open theirs on
their own threads, and `poll` tells what became of them. No Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from engine.backends import choose_backend
from engine.config import DecisionConfig
from engine.errors import DeviceError, KwsError
from engine.manifest import ModelManifest, load_manifest
from engine.types import (
    BackendChanged,
    Detection,
    DeviceBack,
    DeviceLost,
    DeviceTrouble,
    Heard,
    Started,
    Stopped,
    StreamStats,
)
from kws_app.gui.memory import LastMinute
from kws_app.gui.session_fallback import Fallback
from kws_app.gui.session_ledger import SessionLedger, require_ledger
from kws_app.gui.session_news import News
from kws_app.gui.session_recording import SessionRecording
from kws_app.gui.session_retry import Retry
from kws_app.gui.session_source import each_hears, each_sees, make_source, same_pipeline
from kws_app.gui.session_state import State, Update
from kws_app.gui.session_stream import Ended, SessionStream
from kws_app.gui.stretch import Stretch
from kws_app.settings import Settings, decision_for
from kws_app.streams import say

_CLOSE_S = 1.8


class Session:
    """Listens as the settings say.

    Attributes:
        on_detection: Called on the scorer thread of streams that begin later; must be quick.

    Args:
        settings: Source, model, backend, keywords; `apply` takes others.
        clock: Monotonic seconds.

    Raises:
        ModelError: The model folder is refused.
        ConfigError: A keyword is not one of the model's.
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.settings = settings
        self.manifest: ModelManifest = load_manifest(settings.model)
        self.decision: DecisionConfig = decision_for(settings, self.manifest)
        self.memory = LastMinute(self.manifest)
        self.recording = SessionRecording(self.manifest.fbank.sample_rate_hz)
        self.ledger = SessionLedger(clock)
        self.state = State.PAUSED
        self.problem = ""
        self.started: Started | None = None
        self.on_detection: Callable[[Detection], None] = lambda detection: None
        self.stream = 0  # counts pipelines: a sample index means something within one only
        self._live: SessionStream | None = None
        self._duration_s = 0.0
        self._fallback: Fallback | None = None
        self._retry = Retry(clock)
        self._news = News()

    @property
    def is_running(self) -> bool:
        """Whether a pipeline is there, listening or about to."""
        return self._live is not None and not self._live.is_held

    @property
    def building(self) -> tuple[str, float] | None:
        """Who builds a plan beside the listening, and the share of it that is done."""
        return self._live.building if self._live is not None else None

    @property
    def stretch(self) -> Stretch:
        """The stream that is listened to."""
        return Stretch(
            stream=self.stream,
            source=self.started.source if self.started else "",
            rate_hz=self.manifest.fbank.sample_rate_hz,
            memory=self.memory,
        )

    @property
    def duration_s(self) -> float:
        """Length of the recording that is played; 0 for a microphone."""
        return self._live.duration_s if self._live is not None else self._duration_s

    def start(self) -> None:
        """Begin or go on listening; what goes wrong is told by `poll`."""
        self._retry.reset()
        if self._live is not None and self._live.is_held:
            self._live.go_on()
            self._enter(State.LISTENING)
            return
        self._open(look_again=self.state in (State.NO_DEVICE, State.RECOVERING))

    def pause(self) -> None:
        """Stop listening and let go of the device; a recording goes on later where it was."""
        if self._live is not None and self.state is State.LISTENING and self._live.hold():
            self._enter(State.PAUSED)
            return
        self._close()
        self._retry.reset()
        self._fallback = None
        self._enter(State.PAUSED)

    def apply(self, settings: Settings) -> None:
        """Take other settings; a source, model or backend that fails gives way to the old one.

        Raises:
            KwsError: The model or a keyword is refused; everything stays as it was.
        """
        manifest = self.manifest
        if settings.model != self.settings.model:
            manifest = load_manifest(settings.model)
        decision = decision_for(settings, manifest)
        if settings.ledger != self.settings.ledger:
            require_ledger(settings)
        working = Fallback(settings=self.settings, manifest=self.manifest)
        before, self.settings = self.settings, settings
        if manifest is self.manifest and same_pipeline(before, settings):
            self._decide(decision)
            self._keep(before)
            return
        was_running = self.is_running or self._retry.is_waiting
        works = self.state is State.LISTENING
        self._close()
        self.manifest, self.decision = manifest, decision
        self.memory = LastMinute(manifest)
        is_asked_for = settings.input != before.input or self.state is not State.PAUSED
        if was_running or (settings.input is not None and is_asked_for):
            # Where the one before had not begun yet, what worked before that comes back.
            self._fallback = working if works else self._fallback
            self._retry.reset()
            self._open(look_again=True)

    def poll(self) -> Update:
        """What happened since the last call; call it often."""
        heard, stats = self._take_events()
        if self._retry.take_due():
            self._open(look_again=True)
        if self.ledger.is_due:
            self._begin_ledger()
        for notice in (self.recording.take_problem(), *self.ledger.take_notices()):
            if notice is not None:
                self._news.tell(notice)
                self._news.is_changed = True
        return self._news.take(heard, stats, self.memory)

    def record_to(self, path: Path | None) -> None:
        """Record what the model hears from now on, or end that; raises KwsError."""
        if path is None:
            if (told := self.recording.end()) is not None:
                self._news.tell(told)
        else:
            self.recording.begin(path, self.settings.record_hours)
        self._news.is_changed = True

    def close(self) -> None:
        """End everything, within two seconds; what goes wrong is said on stderr.

        Raises:
            BaseException: What ended a stream and no KwsError; everything has ended all the same.
        """
        end_s = time.monotonic() + _CLOSE_S
        self._close()
        self.ledger.close(max(0.0, end_s - time.monotonic()))
        try:
            self.recording.end()
        except KwsError as err:
            say(str(err))
        for notice in self.ledger.take_notices():
            say(notice)
        self._news.raise_defect()

    def _take_events(self) -> tuple[list[Heard], StreamStats | None]:
        """What the pipeline told since the last call."""
        heard: list[Heard] = []
        stats = None
        while self._live is not None and (event := self._live.next_event()) is not None:
            match event:
                case Heard():
                    heard.append(event)
                case StreamStats():
                    stats = event
                case BackendChanged():
                    self._take_backend(event)
                case DeviceLost() | DeviceBack() | DeviceTrouble():
                    self._take_device(event)
                case Started():
                    self._begun(event)
                case Stopped():
                    stats, stretch = event.stats, self.stretch
                    self._ended(self._live, event)
                    if self.stream != stretch.stream:
                        self._news.add_earlier(stretch, heard)
                        heard = []
        return heard, stats

    def _begun(self, event: Started) -> None:
        self.started = event
        self._retry.reset()
        if self._fallback is not None and self._fallback.is_done_with(self.settings):
            self._fallback = None
        self._enter(State.LISTENING)
        self._begin_ledger()

    def _take_backend(self, event: BackendChanged) -> None:
        if self.started is not None:
            self.started = replace(
                self.started, backend=event.backend, backend_reason=event.backend_reason
            )
        self._news.tell(f"{event.backend} scores from here on: {event.backend_reason}")
        self._news.is_changed = True

    def _take_device(self, event: DeviceLost | DeviceBack | DeviceTrouble) -> None:
        """The stream goes on, whatever its device does."""
        match event:
            case DeviceLost():
                self._enter(State.RECOVERING, event.reason)
            case DeviceBack():
                if self.started is not None:
                    self.started = replace(self.started, source=event.device)
                self._enter(State.LISTENING)
            case DeviceTrouble():
                self._news.tell(event.reason)

    def _decide(self, decision: DecisionConfig) -> None:
        self.decision = decision
        if self._live is not None:
            self._live.set_decision(decision)

    def _keep(self, before: Settings) -> None:
        """Take what the settings say of the ledger, without beginning anew."""
        if (before.ledger, before.near_miss) != (self.settings.ledger, self.settings.near_miss):
            self._begin_ledger()
        else:
            self.ledger.set_limits(self.settings)

    def _begin_ledger(self) -> None:
        has_begun = self.state in (State.LISTENING, State.RECOVERING)
        if self._live is not None and (has_begun or self._live.is_held):
            manifest, decision = self.manifest, self.decision
            self.ledger.begin(self.settings, self._live.source, manifest, decision, self.stream)
            self._news.is_changed = True

    def _open(self, *, look_again: bool) -> None:
        self._close()
        self._enter(self.state if self._retry.has_failed else State.STARTING)
        self._duration_s = 0.0
        try:
            chosen = choose_backend(self.settings.backend, self.manifest, live=True)
            source, file = make_source(
                self.settings, self.manifest.fbank.sample_rate_hz, look_again=look_again
            )
        except KwsError as err:
            self._failed(err)
            return
        self.memory = LastMinute(self.manifest)
        self.stream += 1
        self.ledger.new_stream()
        memory, recording, ledger = self.memory, self.recording, self.ledger
        self._live = SessionStream(
            source,
            file,
            chosen,
            self.manifest,
            self.decision,
            hear=each_hears(memory.hear, recording.hear, ledger.hear),
            see=each_sees(memory.see, ledger.see, on_detection=self.on_detection),
        )

    def _close(self) -> None:
        """End the stream, if there is one."""
        if self._live is not None:
            self._end_stream(self._live)

    def _end_stream(self, live: SessionStream) -> Ended:
        self._live = None
        ended = live.end()
        self.started = ended.started or self.started
        self._news.add_end(self.stretch, ended)
        self.ledger.end()
        return ended

    def _ended(self, live: SessionStream, event: Stopped) -> None:
        """The pipeline ended by itself."""
        self._duration_s = live.duration_s
        ended = self._end_stream(live)
        if ended.defect is not None:
            self._enter(State.FAILED, f"the program has a fault: {ended.defect!r}")
        elif ended.failure is not None:
            self._failed(ended.failure)
        else:
            self._enter(State.FINISHED if event.reason == "end of input" else State.PAUSED)

    def _failed(self, err: KwsError) -> None:
        before, has_begun = self._fallback, self.state is State.LISTENING
        if before is not None and before.helps(err, has_begun=has_begun):
            self._fallback = None
            self._news.tell(f"{err}. Back to {before.name_for(self.settings)}.")
            self.settings, self.manifest = before.instead_of(self.settings), before.manifest
            self.decision = decision_for(self.settings, self.manifest)
            self._open(look_again=True)
            return
        self.problem = str(err)
        if isinstance(err, DeviceError):
            was_heard = self.state in (State.LISTENING, State.RECOVERING)
            self._enter(State.RECOVERING if was_heard else State.NO_DEVICE, str(err))
            self._retry.put_off()
        else:
            self._enter(State.FAILED, str(err))

    def _enter(self, state: State, problem: str = "") -> None:
        self.state, self.problem = state, problem
        self._news.is_changed = True
