"""What actions do in the window is told in its log, and what failed stays to be seen."""

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from actions import detection, read
from processes import SLEEPER

from engine.manifest import ModelManifest
from kws_app.gui.colours import DARK
from kws_app.gui.crash import CrashGuard
from kws_app.gui.widgets.actions_sign import ActionsSign
from kws_app.gui.window_actions import ActionsState, WindowActions, summary
from kws_app.settings import Settings

BOTH = """
[[action]]
keyword = "low"
command = ["false"]
cooldown_s = 0
[[action]]
keyword = "high"
command = ["sh", "-c", "exit 0", "/home/me/secret"]
cooldown_s = 0
"""
ON = Settings(actions="on")


@pytest.mark.parametrize("verbose", [False, True])
def test_each_action_is_in_the_log(
    qtbot: Any, tiny: ModelManifest, tmp_path: Path, verbose: bool
) -> None:
    path = tmp_path / "kws.log"
    guard = CrashGuard(path, verbose=verbose)
    guard.install()
    try:
        actions = WindowActions(read(BOTH), log_names=verbose)
        notices: list[str] = []
        actions.notice.connect(notices.append)
        actions.follow(ON, tiny)
        actions.put(detection("high"))
        qtbot.waitUntil(lambda: "exit status 0" in notices[-1], timeout=20_000)
        actions.end()
    finally:
        guard.uninstall()
        logging.getLogger("kws.window").handlers.clear()
        logging.getLogger("kws.window").propagate = True
    lines = [line.partition("Z ")[2] for line in path.read_text().splitlines()]
    name = "/home/me/secret" if verbose else "<path>"
    assert lines == [
        "INFO actions are on: 2 of 2 enabled",
        f"INFO action 2, high at 1.50 s: command sh -c 'exit 0' {name}: exit status 0",
        "INFO actions: 1 begun",
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_is_not_replaced_by_what_went_well(qtbot: Any, tiny: ModelManifest) -> None:
    actions = WindowActions(read(BOTH))
    sign = ActionsSign(DARK)
    qtbot.addWidget(sign)
    notices: list[str] = []
    actions.notice.connect(notices.append)
    actions.changed.connect(sign.show_state)
    actions.follow(ON, tiny)
    assert sign.text() == "Actions are on"
    actions.put(detection("low"))
    qtbot.waitUntil(lambda: actions.state.failures == 1, timeout=20_000)
    assert "exit status 1" in notices[-1]
    told = len(notices)
    actions._show("action 2, high: exit status 0", False, actions._turn)
    assert len(notices) == told
    assert sign.text() == "⚠  Actions are on, 1 failed"
    assert "exit status 1" in sign.toolTip()
    assert sign.accessibleDescription() == sign.toolTip()
    actions._failed_at_s = float("-inf")  # long ago
    actions._show("action 2, high: exit status 0", False, actions._turn)
    assert notices[-1] == "action 2, high: exit status 0"
    actions.follow(Settings(actions="off"), tiny)
    assert sign.text() == "Actions are off"
    actions.end()


def test_switching_off_waits_for_nothing(qtbot: Any, tiny: ModelManifest, tmp_path: Path) -> None:
    command = json.dumps([sys.executable, "-c", SLEEPER, str(tmp_path)])
    actions = WindowActions(read(f'[[action]]\nkeyword = "low"\ncommand = {command}'))
    actions.follow(ON, tiny)
    actions.put(detection("low"))
    qtbot.waitUntil(lambda: list(tmp_path.iterdir()) != [], timeout=20_000)
    actions.follow(Settings(actions="off"), tiny)
    assert [thread.is_alive() for thread in actions._ending] == [True]
    actions.put(detection("low", time_s=60))  # nobody takes it
    actions.end()
    assert len(list(tmp_path.iterdir())) == 1
    qtbot.wait(10)  # its last line is for the log alone: it fails no switch that is off
    assert actions.state.failures == 0


def test_another_model_is_asked_for_its_keywords(qtbot: Any, tiny: ModelManifest) -> None:
    actions = WindowActions(read(BOTH))
    actions.follow(ON, tiny)
    assert actions.state.problem == ""
    actions.follow(ON, replace(tiny, labels=("low", "_silence_", "_unknown_")))
    assert "'high' is not a keyword" in actions.state.problem
    actions.follow(ON, tiny)
    assert actions.state.problem == ""
    actions.end()


def test_the_sign_in_words() -> None:
    tables = read(BOTH)
    assert summary(ActionsState()) == ("", "The settings file has none.")
    assert summary(ActionsState(switch="on"))[0] == "⚠  No actions"
    assert summary(ActionsState(actions=tables))[0] == "Actions are off"
    dry = summary(ActionsState(switch="dry-run", actions=tables))
    assert dry == ("Actions: dry run", "2 of 2 enabled; only said, not done")


def test_a_clip_of_ours_does_nothing(
    qtbot: Any, tiny: ModelManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = WindowActions(read(BOTH))
    notices: list[str] = []
    actions.notice.connect(notices.append)
    actions.follow(ON, tiny)
    actions.is_held_back = lambda _: True
    told: list[str] = []
    monkeypatch.setattr(actions._log, "log", lambda level, _, line: told.append(line))
    actions.put(detection("high"))
    qtbot.waitUntil(lambda: notices[-1] == "high: nothing was done, a clip was playing")
    assert told == ["high: nothing was done, a clip was playing"]
    actions.is_held_back = lambda _: False
    actions.put(detection("high"))
    qtbot.waitUntil(lambda: "exit status 0" in notices[-1], timeout=20_000)
    actions.end()


@pytest.mark.parametrize(("switch", "tables"), [("off", BOTH), ("on", ""), ("on", BOTH)])
def test_where_nothing_would_be_done_a_clip_of_ours_is_not_told(
    qtbot: Any, tiny: ModelManifest, switch: str, tables: str
) -> None:
    actions = WindowActions(read(tables) if tables else ())
    actions.follow(Settings(actions=switch), tiny)
    notices: list[str] = []
    actions.notice.connect(notices.append)
    asked: list[str] = []
    actions.is_held_back = lambda held: not asked.append(held.keyword)
    word = "lamp" if (switch, tables) == ("on", BOTH) else "high"
    actions.put(detection(word))
    qtbot.wait(50)
    assert notices == []
    assert asked == [word]  # the history tells of it all the same
    actions.end()
