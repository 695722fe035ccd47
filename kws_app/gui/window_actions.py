"""What keywords do while the window listens: switched at any time, told in log and sign."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from qtpy.QtCore import QObject, Signal

from engine.errors import ConfigError
from engine.manifest import ModelManifest
from engine.types import Detection
from kws_app.actions.action import Action
from kws_app.actions.runner import ActionRunner
from kws_app.actions.wiring import make_runner
from kws_app.crash_log import without_names
from kws_app.settings import Settings
from kws_app.streams import say

_FAILURE_STAYS_S = 10.0  # as long as a notice: what went well does not take its place
_LOG = "kws.window.actions"  # below the window's log, which takes no more than warnings


@dataclass(frozen=True, kw_only=True)
class ActionsState:
    """What can be said of the actions at the moment.

    Attributes:
        switch: "off", "dry-run" or "on", as it is set.
        actions: The tables, also of disabled ones.
        problem: Why nothing is done although it was asked for, or "".
        failures: How many failed since the switch was last moved.
        last_failure: The line of the last one, or "".
    """

    switch: str = "off"
    actions: tuple[Action, ...] = ()
    problem: str = ""
    failures: int = 0
    last_failure: str = ""


class WindowActions(QObject):
    """Does what detections ask for, as the settings and the model have it.

    Attributes:
        changed: Has the new `ActionsState`.
        notice: Has a line for people.

    Args:
        actions: The tables of the settings file.
        log_names: Whether names of files stay in the log.
        parent: Owner.
    """

    changed = Signal(object)
    notice = Signal(str)
    _happened = Signal(str, bool, int)

    def __init__(
        self, actions: Sequence[Action], *, log_names: bool = False, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = ActionsState(actions=tuple(actions))
        self._log_names = log_names
        self._log = logging.getLogger(_LOG)
        self._log.setLevel(logging.INFO)
        self._runner: ActionRunner | None = None
        self._manifest: ModelManifest | None = None
        self._failed_at_s: float | None = None
        self._turn = 0  # counts runners: one that ends has nothing more to show
        self._ending: list[threading.Thread] = []
        # Told by the window: what it plays itself must not act.
        self.is_held_back: Callable[[Detection], bool] = lambda detection: False
        self._happened.connect(self._show)

    def follow(self, settings: Settings, manifest: ModelManifest) -> None:
        """Take the switch and the model; what cannot be done is off, and told."""
        if manifest is self._manifest and settings.actions == self.state.switch:
            return
        self._manifest = manifest
        self._retire()
        self._failed_at_s = None
        self._turn += 1
        state, runner = ActionsState(switch=settings.actions, actions=self.state.actions), None
        try:
            runner = self._make_runner(settings.actions, state.actions, manifest)
        except ConfigError as err:
            state = replace(state, problem=str(err))
            self._write(logging.WARNING, f"actions are off: {err}")
            say(f"actions are off: {err}")
            self.notice.emit(f"Actions are off: {err}")
        if runner is not None:
            runner.start()
        self._runner = runner
        self._enter(state)

    def put(self, detection: Detection) -> None:
        """Take a detection on the scorer thread; returns at once."""
        runner = self._runner
        is_held_back = self.is_held_back(detection)  # is asked of each: the history tells, too
        if runner is None or not runner.answers(detection.keyword):
            return
        if is_held_back:
            line = f"{detection.keyword}: nothing was done, a clip was playing"
            self._write(logging.INFO, line)
            self._happened.emit(line, False, self._turn)
            return
        runner.put(detection)

    def end(self) -> None:
        """End what is under way; returns within 2 s."""
        self._retire()
        for thread in self._ending:
            thread.join()

    def _make_runner(
        self, switch: str, actions: Sequence[Action], manifest: ModelManifest
    ) -> ActionRunner:
        turn = self._turn

        def tell(line: str, failed: bool = False) -> None:
            """On the runner's thread, also when the window's loop has ended."""
            self._write(logging.WARNING if failed else logging.INFO, line)
            self._happened.emit(line, failed, turn)

        return make_runner(
            switch,
            actions,
            manifest,
            tell,
            on_failure=lambda line: tell(line, failed=True),
            level=-1 if switch == "off" else 0,  # the sign says that they are off
        )

    def _retire(self) -> None:
        """Let the runner end what is under way, which takes up to 2 s, and wait for none of it."""
        runner, self._runner = self._runner, None
        if runner is not None:
            thread = threading.Thread(target=runner.stop, name="actions end", daemon=True)
            thread.start()
            self._ending = [each for each in self._ending if each.is_alive()] + [thread]

    def _write(self, level: int, line: str) -> None:
        self._log.log(level, "%s", line if self._log_names else without_names(line))

    def _show(self, line: str, failed: bool, turn: int) -> None:
        if turn != self._turn:
            return
        now_s = time.monotonic()
        if failed:
            self._failed_at_s = now_s
            count = self.state.failures + 1
            self._enter(replace(self.state, failures=count, last_failure=line))
        elif self._failed_at_s is not None and now_s < self._failed_at_s + _FAILURE_STAYS_S:
            return
        self.notice.emit(line)

    def _enter(self, state: ActionsState) -> None:
        self.state = state
        self.changed.emit(state)


def summary(state: ActionsState) -> tuple[str, str]:
    """A few words for a sign, or "", and the sentence that explains them."""
    enabled = sum(action.enabled for action in state.actions)
    count = f"{enabled} of {len(state.actions)} enabled"
    if state.problem:
        return "⚠  Actions are off", state.problem
    if state.switch == "off":
        text = f"{len(state.actions)} in the settings file; nothing is done"
        return ("Actions are off", text) if state.actions else ("", "The settings file has none.")
    if not enabled:
        return "⚠  No actions", "None is enabled in the settings file"
    name = "Actions: dry run" if state.switch == "dry-run" else "Actions are on"
    if state.failures:
        return f"⚠  {name}, {state.failures} failed", f"The last: {state.last_failure}"
    what = "only said, not done" if state.switch == "dry-run" else "done when a word is heard"
    return name, f"{count}; {what}"
