"""A whole program around a plain window: settings, one instance, errors, signals."""

import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, environment

PROGRAM = """
import os, sys
from kws_app.gui.display import require_display
require_display()
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QWidget
from engine.errors import ModelError
from kws_app.gui.shell import run_window
from kws_app.settings import read_command

class Window(QWidget):
    def showEvent(self, event):
        print("shown", flush=True)

def fail():
    raise ValueError("odd")

def build(shell):
    window = Window()
    shell.application.aboutToQuit.connect(lambda: print("about to quit", flush=True))
    settings = shell.preferences.settings
    print(settings.smoothing, shell.theme.choice, window.palette().window().color().name())
    {body}
    return window

status = run_window(read_command(sys.argv[1:], os.environ), build,
                    show_error=lambda report, path: print("error", path))
print("status", status)
sys.exit(status)
"""
STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("h")  # short, for the socket


def start(home: Path, *arguments: str, body: str = "pass") -> subprocess.Popen[str]:
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    variables = {
        "QT_QPA_PLATFORM": "offscreen",
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "run"),
    }
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment(**variables),
    )


@pytest.fixture
def running(home: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(home)
    until_shown(process)
    yield process
    process.kill()
    process.communicate()


def until_shown(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "shown\n":
        lines.append(process.stdout.readline())
        assert lines[-1], process.communicate()
    return lines


def end(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    out, err = process.communicate(timeout=30)
    return out, err, process.returncode


def write(home: Path, text: str) -> Path:
    path = home / "config" / "kws" / "settings.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("number", STOP)
def test_a_signal_ends_it_in_order(
    running: subprocess.Popen[str], home: Path, number: signal.Signals
) -> None:
    time.sleep(0.3)  # nothing happens in the loop
    running.send_signal(number)
    assert end(running) == ("about to quit\nstatus 0\n", "", 0)
    saved = tomllib.loads((home / "config" / "kws" / "settings.toml").read_text())
    assert list(saved) == ["window"]
    assert list(saved["window"]) == ["geometry"]


def test_a_closed_terminal_is_nothing_to_nohup(home: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = start(home)
    finally:
        signal.signal(signal.SIGHUP, before)
    until_shown(process)
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert process.poll() is None
    process.terminate()
    assert end(process)[2] == 0


def test_the_second_start_shows_the_first_window(home: Path) -> None:
    hide = "QTimer.singleShot(50, lambda: (window.hide(), print('hidden', flush=True)))"
    running = start(home, body=f"shell.application.setQuitOnLastWindowClosed(False); {hide}")
    until_shown(running)
    assert running.stdout is not None
    assert running.stdout.readline() == "hidden\n"
    out, err, status = end(start(home, "--smoothing", "3"))
    assert (out, status) == ("status 0\n", 0)
    assert err.startswith("kws: runs already: its window was shown, and what this start was given")
    running.terminate()
    assert end(running) == ("shown\nabout to quit\nstatus 0\n", "", 0)


def test_its_settings_and_its_place(home: Path) -> None:
    path = write(home, "smoothing = 4\n[window]\ntheme = 'dark'\n")
    body = "shell.preferences.update({'refractory': 0.5}); window.resize(333, 222)"
    process = start(home, body=body)
    assert until_shown(process)[0] == "4 dark #1d2126\n"
    process.terminate()
    assert end(process)[2] == 0
    saved = tomllib.loads(path.read_text())
    assert (saved["refractory"], saved["window"]["theme"]) == (0.5, "dark")
    report = "QTimer.singleShot(50, lambda: print(window.width(), window.height(), flush=True))"
    process = start(home, "--smoothing", "5", body=report)
    assert until_shown(process)[0] == "5 dark #1d2126\n"
    assert process.stdout is not None
    assert process.stdout.readline() == "333 222\n"
    process.terminate()
    assert end(process)[2] == 0


def test_the_file_that_was_named_is_the_one_that_is_kept(home: Path) -> None:
    write(home, "smoothing = 4\n")
    own = home / "own.toml"
    own.write_text("smoothing = 7\n")
    process = start(home, "--config", str(own))
    assert until_shown(process)[0].startswith("7 system")
    process.terminate()
    assert end(process)[2] == 0
    assert "geometry" in own.read_text()


def test_a_damaged_file_is_no_reason_not_to_start(home: Path) -> None:
    path = write(home, "smoothing = ")
    process = start(home)
    assert until_shown(process)[0].startswith("None system")
    process.terminate()
    _, err, status = end(process)
    assert status == 0
    assert "is not valid TOML" in err.splitlines()[0]
    assert err.splitlines()[1].startswith("kws: settings are not saved: ")
    assert path.read_text() == "smoothing = "


def test_an_unexpected_error_ends_it_in_order_with_status_1(home: Path) -> None:
    out, err, status = end(start(home, body="QTimer.singleShot(50, fail)"))
    log = home / "state" / "kws" / "log" / "kws.log"
    assert status == 1
    assert out.endswith(f"shown\nerror {log}\nabout to quit\nstatus 1\n")
    assert "ValueError: odd" in log.read_text()
    assert err == f"kws: unexpected error: ValueError: odd; the log is {log}\n"


def test_an_error_while_it_ends_counts_too(home: Path) -> None:
    body = "shell.application.aboutToQuit.connect(fail); QTimer.singleShot(50, window.close)"
    out, _, status = end(start(home, body=body))
    assert status == 1
    assert "status 1\n" in out


def test_closing_the_window_ends_it_where_there_is_no_tray(home: Path) -> None:
    write(home, "[window]\nclose_to_tray = true\n")
    assert end(start(home, body="QTimer.singleShot(50, window.close)"))[2] == 0


def test_the_tray_steers_the_window(home: Path) -> None:
    body = (
        "QTimer.singleShot(50, lambda: (shell.tray.window_asked.emit(False), "
        "print(window.isVisible()), shell.tray.window_asked.emit(True), "
        "print(window.isVisible()), shell.tray.quit_asked.emit()))"
    )
    out, _, status = end(start(home, body=body))
    assert out.splitlines()[1:] == [
        *("shown", "False", "shown", "True", "about to quit", "status 0")
    ]
    assert status == 0


def test_what_the_window_needs_and_does_not_get(home: Path) -> None:
    out, err, status = end(start(home, body="raise ModelError('no model')"))
    assert (out.splitlines()[1:], status) == ([], 1)
    assert err.endswith("engine.errors.ModelError: no model\n")  # for main to say
    assert not (home / "state" / "kws" / "log" / "kws.log").exists()
    process = start(home)  # and the next one may start
    until_shown(process)
    process.terminate()
    assert end(process)[2] == 0
