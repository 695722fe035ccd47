"""A room is recorded by the application itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError, SourceError
from training.calibration import room
from training.calibration.room import duration_s, record_room


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("30m", 1800), ("1.5 H", 5400), ("90s", 90), ("5min", 300)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2 days", "-1h", "0h", "1e9h", "169h", "nan h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ConfigError, match=r"it must be like 90s, 30m or 2h, at most 168h"):
        duration_s(text)


def test_the_application_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        Path(command[command.index("--record") + 1]).write_bytes(b"fLaC")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(room.subprocess, "run", run)
    path = record_room(tmp_path / "room", 7200, Path("model"), "USB Audio")
    assert path.parent == tmp_path / "room"
    assert path.suffix == ".flac"
    (command,) = commands
    assert command[:4] == [sys.executable, "-m", "kws_app", "--headless"]
    assert command[command.index("--duration") + 1] == "7200"
    assert command[command.index("--device") + 1] == "USB Audio"


def test_nothing_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        room.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 3)
    )
    with pytest.raises(SourceError, match=r"nothing was recorded \(status 3\); .*--list-devices"):
        record_room(tmp_path, 1, Path("model"), None)
