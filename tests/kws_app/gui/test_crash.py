"""Whatever nobody expected is logged, shown once, and ends the program with status 1."""

import faulthandler
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, environment
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QTimer, qWarning
from qtpy.QtWidgets import QApplication

from kws_app.crash_log import log_faults
from kws_app.gui import crash
from kws_app.gui.crash import CrashGuard

pytestmark = pytest.mark.no_qt_log  # the handler of pytest-qt stands aside

PROGRAM = """
import os, sys, threading
from pathlib import Path
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication
from kws_app.crash_log import log_faults
from kws_app.gui.crash import CrashGuard
path = Path(sys.argv[1]) / "kws.log"
app = QApplication([])
guard = CrashGuard(path, show=lambda report, path: print("shown", report.splitlines()[-1]))
guard.install()
def fail():
    raise ValueError("odd")
def again():
    timer = QTimer(app)
    timer.timeout.connect(fail)
    timer.start(0)
with log_faults(path):
    {body}
    status = app.exec_() or guard.status
print("ended in order")
sys.exit(status)
"""


@pytest.fixture
def shown() -> list[tuple[str, Path]]:
    return []


@pytest.fixture
def guard(tmp_path: Path, shown: list[tuple[str, Path]]) -> Iterator[CrashGuard]:
    made = CrashGuard(tmp_path / "kws.log", show=lambda *what: shown.append(what))
    made.install()
    yield made
    made.uninstall()


def log(tmp_path: Path) -> str:
    path = tmp_path / "kws.log"
    return path.read_text() if path.exists() else ""


def fail() -> None:
    raise ValueError("odd")


def run_loop(qapp: QApplication) -> int:
    limit = QTimer()
    limit.timeout.connect(lambda: qapp.exit(99))
    limit.start(10_000)
    try:
        return qapp.exec_()
    finally:
        limit.stop()


def program(tmp_path: Path, body: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body), str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=60,
    )


def test_an_error_in_a_slot(
    qapp: QApplication,
    guard: CrashGuard,
    shown: list[tuple[str, Path]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert guard.status == 0
    QTimer.singleShot(0, fail)
    assert run_loop(qapp) == 1
    assert guard.status == 1
    ((report, path),) = shown
    assert path == tmp_path / "kws.log"
    assert report.endswith("ValueError: odd")
    assert f'File "{__file__}"' in log(tmp_path)
    assert capsys.readouterr().err == f"kws: unexpected error: ValueError: odd; the log is {path}\n"


def test_an_error_on_a_thread(
    qapp: QApplication, guard: CrashGuard, shown: list[tuple[str, Path]], tmp_path: Path
) -> None:
    on: list[bool] = []
    guard._show = lambda *what: on.append(threading.current_thread() is threading.main_thread())
    thread = threading.Thread(target=fail, name="scorer")
    QTimer.singleShot(0, thread.start)
    assert run_loop(qapp) == 1
    thread.join()
    assert on == [True]
    assert "ERROR error on thread scorer\nTraceback" in log(tmp_path)


def test_a_thread_that_ends_itself_is_no_error(guard: CrashGuard, tmp_path: Path) -> None:
    thread = threading.Thread(target=sys.exit)
    thread.start()
    thread.join()
    assert (guard.status, log(tmp_path)) == (0, "")


def test_one_dialog_however_often_it_fails(
    qapp: QApplication, guard: CrashGuard, shown: list[tuple[str, Path]], tmp_path: Path
) -> None:
    timer = QTimer()
    timer.timeout.connect(fail)
    timer.start(0)

    def stay(*what: object) -> None:  # as a dialog does, with its own loop
        shown.append(("", tmp_path))
        while log(tmp_path).count("ValueError: odd") < crash._MAX_ERRORS:
            qapp.processEvents()
        for _ in range(20):
            qapp.processEvents()

    guard._show = stay
    assert run_loop(qapp) == 1
    timer.stop()
    assert len(shown) == 1
    assert log(tmp_path).count("ValueError: odd") == crash._MAX_ERRORS
    assert log(tmp_path).count("more errors follow, which are not logged") == 1


def test_a_dialog_that_fails_itself_ends_the_program_too(
    qapp: QApplication, guard: CrashGuard, tmp_path: Path
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no display any more")

    guard._show = refuse
    QTimer.singleShot(0, fail)
    assert run_loop(qapp) == 1
    assert "OSError: no display any more" in log(tmp_path)


def test_before_the_event_loop(
    guard: CrashGuard, qapp: QApplication, shown: list[tuple[str, Path]]
) -> None:
    sys.excepthook(ValueError, ValueError("early"), None)
    assert [report for report, _ in shown] == ["ValueError: early"]


def test_ctrl_c_in_a_slot_is_no_error(qapp: QApplication, guard: CrashGuard) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    QTimer.singleShot(0, interrupt)
    assert run_loop(qapp) == 0
    assert guard.status == 0


def test_what_python_can_only_report_is_logged(
    guard: CrashGuard, shown: list[tuple[str, Path]], tmp_path: Path
) -> None:
    class Odd:
        def __del__(self) -> None:
            raise ValueError("in passing")

    Odd()
    gc.collect()
    assert "ValueError: in passing" in log(tmp_path)
    assert (guard.status, shown) == (0, [])


def test_what_qt_says_is_logged(guard: CrashGuard, tmp_path: Path, qtbot: QtBot) -> None:
    qWarning(b"cannot play /home/me/talk.wav")
    assert "WARNING Qt: cannot play <path>\n" in log(tmp_path)


@pytest.mark.parametrize("verbose", [False, True])
def test_names_are_logged_when_asked(tmp_path: Path, verbose: bool, qapp: QApplication) -> None:
    guard = CrashGuard(tmp_path / "kws.log", show=lambda *_: None, verbose=verbose)
    guard.install()
    guard.install()
    qWarning(b"/home/me/talk.wav")
    sys.excepthook(ValueError, ValueError("/home/me/talk.wav"), None)
    guard.log.debug("detail")
    guard.uninstall()
    guard.uninstall()
    assert log(tmp_path).count("/home/me/talk.wav") == 2 * verbose
    assert log(tmp_path).count("<path>") == 2 * (not verbose)
    assert ("DEBUG detail" in log(tmp_path)) == verbose


def test_everything_is_given_back(tmp_path: Path) -> None:
    before = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    guard = CrashGuard(tmp_path / "kws.log")
    guard.install()
    guard.install()
    now = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    assert not set(now) & set(before)
    guard.uninstall()
    assert (sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_a_log_that_cannot_be_written(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    guard = CrashGuard(tmp_path / "file" / "kws.log", show=lambda *_: None)
    guard.install()
    sys.excepthook(ValueError, ValueError("odd"), None)
    guard.uninstall()
    assert capsys.readouterr().err == (
        "kws: unexpected error: ValueError: odd; no log could be written\n"
    )
    with log_faults(tmp_path / "file" / "kws.log"):
        assert faulthandler.is_enabled()  # the one of pytest


@pytest.mark.parametrize(
    "body",
    [
        "QTimer.singleShot(0, fail)",
        "again()",
        "QTimer.singleShot(0, lambda: threading.Thread(target=fail).start())",
    ],
    ids=["once", "again and again", "on a thread"],
)
def test_the_program_ends_in_order_with_status_1(tmp_path: Path, body: str) -> None:
    done = program(tmp_path, body)
    assert (done.stdout, done.returncode) == ("shown ValueError: odd\nended in order\n", 1)


def test_an_error_before_the_loop_ends_it_too(tmp_path: Path) -> None:
    done = program(tmp_path, "fail()")
    assert (done.stdout, done.returncode) == ("shown ValueError: odd\n", 1)


def test_a_crash_of_the_interpreter_leaves_a_traceback(tmp_path: Path) -> None:
    done = program(tmp_path, "import faulthandler; QTimer.singleShot(0, faulthandler._sigsegv)")
    assert done.returncode < 0
    (faults,) = tmp_path.glob("faults-*.log")
    assert faults.read_text().startswith("Fatal Python error: Segmentation fault")


def test_an_abort_of_qt_leaves_its_reason(tmp_path: Path) -> None:
    done = program(tmp_path, "from qtpy.QtCore import qFatal; qFatal('no way')")
    assert done.returncode < 0
    assert "CRITICAL Qt: no way\n" in log(tmp_path)
    assert done.stderr.endswith("kws: no way\n")
    (faults,) = tmp_path.glob("faults-*.log")
    assert "Fatal Python error: Aborted" in faults.read_text()
