"""The second start shows the window of the first."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from full_disk import files_of_at_most
from program import ROOT, environment
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtNetwork import QLocalSocket
from qtpy.QtWidgets import QWidget

from engine.errors import KwsError
from kws_app.gui import single_instance
from kws_app.gui.single_instance import SingleInstance, show_window

pytestmark = pytest.mark.usefixtures("qapp")
HOLDER = """
import sys, time
from pathlib import Path
from kws_app.gui.single_instance import SingleInstance
from qtpy.QtCore import QCoreApplication
app = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
print(instance.acquire(), flush=True)
app.exec_() if sys.argv[2] == "answer" else time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("r") / "kws"  # the path of a socket has to be short


@pytest.fixture
def first(folder: Path) -> Iterator[SingleInstance]:
    instance = SingleInstance(folder)
    assert instance.acquire()
    yield instance
    instance.release()


def test_a_full_folder_is_no_reason_not_to_begin(folder: Path) -> None:
    instance = SingleInstance(folder)
    with files_of_at_most(0):
        assert instance.acquire()
    instance.release()


def holder(folder: Path, how: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), how],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    process.stdout.close()
    return process


@pytest.fixture
def other(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = holder(folder, "answer")
    yield process
    process.kill()
    process.wait()


def elsewhere(folder: Path) -> "Future[bool]":
    """A second start, beside this thread, which has to answer it."""
    return ThreadPoolExecutor(1).submit(lambda: SingleInstance(folder).acquire())


def test_the_lock_is_for_its_owner_alone(folder: Path) -> None:
    before = os.umask(0)
    try:
        folder.mkdir(mode=0o700)
        (folder / "window.lock").touch(0o644)  # of an older program
        for _ in range(2):
            instance = SingleInstance(folder)
            assert instance.acquire()
            assert (folder / "window.lock").stat().st_mode & 0o777 == 0o600
            instance.release()
            (folder / "window.lock").unlink()
    finally:
        os.umask(before)


def test_the_second_asks_the_first(qtbot: QtBot, first: SingleInstance, folder: Path) -> None:
    for _ in range(2):
        with qtbot.waitSignal(first.asked):
            second = elsewhere(folder)
        qtbot.waitUntil(second.done)
        assert second.result() is False


def test_across_processes(other: subprocess.Popen[bytes], folder: Path) -> None:
    assert SingleInstance(folder).acquire() is False
    assert other.poll() is None


def test_a_release_lets_the_next_one_in(first: SingleInstance, folder: Path) -> None:
    first.release()
    first.release()
    second = SingleInstance(folder)
    assert second.acquire()
    second.release()


def test_after_a_crash_the_next_one_takes_over(
    qtbot: QtBot, other: subprocess.Popen[bytes], folder: Path
) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert {path.name for path in folder.iterdir()} == {"window.lock", "window.socket"}
    # A number of a process that lives, as after a restart in a container.
    (folder / "window.lock").write_text(f"{os.getppid()}\n")
    now = SingleInstance(folder)
    assert now.acquire()
    assert (folder / "window.lock").read_text() == f"{os.getpid()}\n"
    with qtbot.waitSignal(now.asked):
        second = elsewhere(folder)
    qtbot.waitUntil(second.done)
    now.release()


def test_one_that_hangs_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_instance, "_ANSWER_TIMEOUT_MS", 300)
    process = holder(folder, "hang")
    try:
        with pytest.raises(KwsError, match=rf"runs already \(process {process.pid}\), and its win"):
            SingleInstance(folder).acquire()
    finally:
        process.kill()
        process.wait()


def test_nonsense_is_not_answered(qtbot: QtBot, first: SingleInstance, folder: Path) -> None:
    shown: list[bool] = []
    first.asked.connect(lambda: shown.append(True))
    socket = QLocalSocket()
    socket.connectToServer(str(folder / "window.socket"))
    with qtbot.waitSignal(socket.disconnected):
        socket.write(b"dance\n" * 10_000)
    assert shown == []


def test_a_path_too_long_to_listen_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    instance = SingleInstance(tmp_path / ("x" * 120))
    assert instance.acquire()
    assert "a second start will be refused, and not show this window" in capsys.readouterr().err
    instance.release()


def test_the_folder_is_for_this_person_alone(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    instance = SingleInstance(folder)
    assert instance.acquire()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "window.socket").stat().st_mode & 0o077 == 0
    instance.release()


def test_a_lock_that_cannot_be_opened(folder: Path) -> None:
    (folder / "window.lock").mkdir(parents=True)
    with pytest.raises(KwsError, match=r"cannot open .*window.lock: Is a directory"):
        SingleInstance(folder).acquire()


def test_a_window_is_brought_back(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    show_window(window)
    assert window.isVisible()
    window.showMinimized()
    show_window(window)
    assert not window.windowState() & Qt.WindowState.WindowMinimized
    window.hide()
    show_window(window)
    assert window.isVisible()
