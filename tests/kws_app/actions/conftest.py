"""What tests of actions share."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import is_alive


@pytest.fixture
def pids(tmp_path: Path) -> Iterator[Path]:
    """A folder in which programs leave files named by their numbers; they are gone afterwards."""
    folder = tmp_path / "pids"
    folder.mkdir()
    yield folder
    for path in folder.iterdir():
        if is_alive(int(path.name)):
            os.kill(int(path.name), signal.SIGKILL)
