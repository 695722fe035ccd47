"""Does what detections ask for: one thread behind a bounded queue begins actions and watches them.

Nothing on it waits for an action, so a slow one delays neither listening nor the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from engine.consumers import BoundedQueue
from engine.types import Detection
from kws_app.actions.action import (
    Action,
    Broker,
    Keystroke,
    Message,
    Occasion,
    Program,
    Webhook,
    describe,
)
from kws_app.actions.gate import Gate
from kws_app.actions.keyboard import press
from kws_app.actions.mqtt import Connection
from kws_app.actions.runs import CallRun, Outcome, ProgramRun, Run
from kws_app.actions.webhook import call_webhook

MAX_AT_ONCE = 8
_QUEUE_DETECTIONS = 64
_IDLE_POLL_S = 0.2
_BUSY_POLL_S = 0.05
_CALL_MARGIN_S = 0.5  # calls keep their own time and know better what they waited for
_TERM_S = 0.4  # from asking to end to killing
_GRACE_S = 1.0  # when listening stops
_STOP_S = 2.0  # after which nobody waits any longer


@dataclass(kw_only=True)
class _InFlight:
    action: Action
    occasion: Occasion
    run: Run
    ends_at: float
    killed_at: float | None = None
    is_told: bool = field(default=False)


class ActionRunner:
    """A consumer of detections.

    Args:
        actions: What may be done; those that are not enabled are left out.
        sample_rate_hz: Rate of the model.
        on_line: Takes a line for people; called on the runner's thread.
        on_failure: Takes the lines of what failed, instead of `on_line`.
        dry_run: Only say what would be done.
        level: -1 tells failures, 0 each action, 1 also those that were skipped.
    """

    def __init__(
        self,
        actions: Sequence[Action],
        sample_rate_hz: int,
        on_line: Callable[[str], None],
        *,
        on_failure: Callable[[str], None] | None = None,
        dry_run: bool = False,
        level: int = 0,
    ) -> None:
        self._gates = [(each, Gate(each, sample_rate_hz)) for each in actions if each.enabled]
        self._rate_hz = sample_rate_hz
        self._on_line = on_line
        self._on_failure = on_failure or on_line
        self._dry_run = dry_run
        self._level = level
        self._queue: BoundedQueue[Detection] = BoundedQueue(_QUEUE_DETECTIONS, drop_oldest=True)
        self._in_flight: list[_InFlight] = []
        self._connections: dict[Broker, Connection] = {}
        self._counts = dict.fromkeys(("begun", "failed", "refused", "only said"), 0)
        self._stop_asked = threading.Event()
        self._thread = threading.Thread(target=self._work, name="actions", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Stop."""
        self.stop()

    @property
    def dropped(self) -> int:
        """Detections that were lost because too many waited."""
        return self._queue.dropped

    def answers(self, keyword: str) -> bool:
        """Whether there is an action for it."""
        return any(action.answers(keyword) for action, _ in self._gates)

    def start(self) -> None:
        """Begin to take detections; without actions nothing is started."""
        if self._gates:
            self._thread.start()

    def put(self, detection: Detection) -> None:
        """Take a detection; returns at once, from any thread."""
        if self._gates:
            self._queue.put(detection)

    def stop(self) -> None:
        """Begin what waits, give it a moment, end what is left; returns within 2 s."""
        self._queue.close()
        self._stop_asked.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_S)

    def _work(self) -> None:
        while True:
            is_over = self._stop_asked.is_set()  # before the look: nothing comes after it
            wait_s = _BUSY_POLL_S if self._in_flight else _IDLE_POLL_S
            detection = self._queue.get(0 if is_over else wait_s)
            if detection is not None:
                self._take(detection)
            self._watch(time.monotonic())
            if detection is None and is_over:
                break
        self._wind_down()

    def _take(self, detection: Detection) -> None:
        occasion = Occasion(detection=detection, time_s=detection.end_sample / self._rate_hz)
        for action, gate in self._gates:
            if not action.answers(detection.keyword):
                continue
            reason = gate.holds_back(detection)
            if reason is not None:
                self._tell(action, occasion, reason, level=1)
            elif self._dry_run or action.dry_run:
                gate.begun(detection)
                self._counts["only said"] += 1
                self._tell(action, occasion, "dry run")
            elif len(self._in_flight) >= MAX_AT_ONCE:
                self._counts["refused"] += 1
                text = f"refused, {MAX_AT_ONCE} actions are under way"
                self._tell(action, occasion, text, level=-1)
            else:
                gate.begun(detection)
                self._begin(action, occasion)

    def _begin(self, action: Action, occasion: Occasion) -> None:
        self._counts["begun"] += 1
        try:
            run = self._run(action, occasion)
        except (OSError, ValueError, RuntimeError) as err:  # no program, a NUL, no more threads
            text = getattr(err, "strerror", None) or type(err).__name__
            self._end(action, occasion, Outcome(text=f"not begun: {text}", failed=True))
            return
        margin_s = 0 if isinstance(action.deed, Program) else _CALL_MARGIN_S
        ends_at = time.monotonic() + action.timeout_s + margin_s
        self._in_flight.append(
            _InFlight(action=action, occasion=occasion, run=run, ends_at=ends_at)
        )

    def _run(self, action: Action, occasion: Occasion) -> Run:
        timeout_s = action.timeout_s
        match action.deed:
            case Program(arguments=arguments):
                return ProgramRun([occasion.fill(argument) for argument in arguments])
            case Keystroke() as keystroke:
                return CallRun(lambda _: press(keystroke))
            case Webhook() as webhook:
                return CallRun(lambda line: call_webhook(webhook, occasion, timeout_s, line))
            case Message() as message:
                connection = self._connections.setdefault(
                    message.broker, Connection(message.broker)
                )
                topic = occasion.fill(message.topic)
                payload = message.payload
                body = occasion.to_json() if payload is None else occasion.fill_payload(payload)
                return CallRun(lambda _: connection.publish(topic, body, timeout_s))

    def _watch(self, now: float) -> None:
        """Tell what ended, and end what is overdue."""
        for item in list(self._in_flight):
            outcome = item.run.outcome()
            if outcome is not None:
                self._in_flight.remove(item)
                self._finish(item, outcome)
            elif item.killed_at is None and now >= item.ends_at:
                text = f"not over after {item.action.timeout_s:g} s, ended"
                self._cut_off(item, text, now)
            elif item.killed_at is not None and now >= item.killed_at:
                item.run.kill()

    def _cut_off(self, item: _InFlight, text: str, now: float) -> None:
        self._finish(item, Outcome(text=text, failed=True))
        item.run.end()
        item.killed_at = now + _TERM_S

    def _wind_down(self) -> None:
        """Wait a moment for what is under way, then end it."""
        started = time.monotonic()
        while self._in_flight and (now := time.monotonic()) < started + _GRACE_S + 2 * _TERM_S:
            for item in self._in_flight:
                if now >= started + _GRACE_S and item.killed_at is None:
                    self._cut_off(item, "ended, since listening stopped", now)
            self._watch(now)
            time.sleep(_BUSY_POLL_S)
        for connection in self._connections.values():
            connection.close()
        self._tell_summary()

    def _finish(self, item: _InFlight, outcome: Outcome) -> None:
        if not item.is_told:
            item.is_told = True
            self._end(item.action, item.occasion, outcome)

    def _end(self, action: Action, occasion: Occasion, outcome: Outcome) -> None:
        self._counts["failed"] += outcome.failed
        self._tell(action, occasion, outcome.text, level=-1 if outcome.failed else 0)

    def _tell(self, action: Action, occasion: Occasion, outcome: str, *, level: int = 0) -> None:
        what = describe(action.deed, occasion)
        heard = f"{occasion.detection.keyword} at {occasion.time_s:.2f} s"
        self._say(f"action {action.number}, {heard}: {what}: {outcome}", level)

    def _tell_summary(self) -> None:
        counts = self._counts | {"detections lost": self.dropped}
        text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        self._say(f"actions: {text or 'none was asked for'}", -1 if self.dropped else 0)

    def _say(self, text: str, level: int) -> None:
        if level <= self._level:
            # What was heard and what is sent may hold anything: one line stays one line.
            say = self._on_failure if level < 0 else self._on_line
            say("".join(c if c.isprintable() else ascii(c)[1:-1] for c in text))
