"""No test of the window needs a display."""

import atexit
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fake_sounddevice import FakeSounddevice
from signals import RATE_HZ

from kws_app.gui.session import Session
from kws_app.settings import Settings

if TYPE_CHECKING:
    from kws_app.gui.main_window import MainWindow

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_API"] = "pyqt5"
if "XDG_RUNTIME_DIR" not in os.environ:  # else Qt warns
    os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="kws-tests-")
    atexit.register(shutil.rmtree, os.environ["XDG_RUNTIME_DIR"], ignore_errors=True)


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    return fake


@pytest.fixture
def session(tiny_folder: Path, portaudio: FakeSounddevice) -> Iterator[Session]:
    made = Session(Settings(model=tiny_folder, backend="cpu", rate=RATE_HZ))
    yield made
    made.close()


@pytest.fixture
def now_s() -> list[float]:
    return [0.0]


@pytest.fixture
def make_session(tiny_folder: Path, now_s: list[float]) -> Iterator[Callable[..., Session]]:
    sessions = []

    def made(**settings: object) -> Session:
        values = {"model": tiny_folder, "backend": "cpu"} | settings
        sessions.append(Session(Settings(**values), clock=lambda: now_s[0]))
        return sessions[-1]

    yield made
    for session in sessions:
        session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "scorer"]


@pytest.fixture
def window(qtbot: Any, session: Session) -> "MainWindow":
    from kws_app.gui.colours import DARK  # Qt, after what is set above
    from kws_app.gui.main_window import MainWindow

    made = MainWindow(session, DARK)
    qtbot.addWidget(made)
    made.resize(1_000, 700)
    made.show()
    return made
