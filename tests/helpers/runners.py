"""Runners of actions, and the lines that they write."""

import sys
from pathlib import Path
from typing import Any

from actions import RATE_HZ, action
from processes import SLEEPER

from kws_app.actions.action import Action
from kws_app.actions.runner import ActionRunner


def make(actions: list[Action], **more: Any) -> tuple[ActionRunner, list[str]]:
    lines: list[str] = []
    return ActionRunner(actions, RATE_HZ, lines.append, **more), lines


def program(script: str, *arguments: Path | str, more: str = "") -> Action:
    words = [sys.executable, "-c", script, *map(str, arguments)]
    quoted = ", ".join("'''" + word + "'''" for word in words)
    return action(f"command = [{quoted}]\n{more}")


def sleeper(pids: Path, *arguments: str, more: str = "") -> Action:
    return program(SLEEPER, pids, *arguments, more=more)


def touch(path: Path, more: str = "") -> Action:
    return action(f'command = ["touch", "{path}"]\n{more}')


def outcomes(lines: list[str]) -> list[str]:
    return [line.rpartition(": ")[2] for line in lines if line.startswith("action ")]
