"""A machine without a display gets one line, never an abort of Qt."""

import contextlib
import ctypes
import gc
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import ROOT, environment
from qtpy.QtCore import QLibraryInfo

from engine.errors import DisplayError, KwsError
from kws_app.gui import display
from kws_app.gui.display import hang_up, require_display

SCRIPT = """
import sys
from engine.errors import DisplayError
{before}
from kws_app.gui.display import require_display
try:
    print(require_display())
except DisplayError as err:
    sys.exit(f"one line: {{err}}")
from qtpy.QtWidgets import QApplication
print(QApplication([]).platformName())
"""
PLUGINS = Path(QLibraryInfo.location(QLibraryInfo.LibraryLocation.PluginsPath)) / "platforms"


def ask(before: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """A fresh program that asks, and makes a QApplication after a yes."""
    clean = {
        name: value
        for name, value in environment().items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY") and not name.startswith("QT_")
    }
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean | variables,
        timeout=60,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("one line: ")
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("or listen without a window: add --headless\n")
    return done.stderr


def server(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """An X server of our own; the tests that need it are skipped where there is none."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "320x240x24", *arguments]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as file:
            yield f":{file.readline().strip()}", process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait()


@pytest.fixture(autouse=True)
def no_connection_stays() -> Iterator[None]:
    yield
    hang_up()


@pytest.fixture
def x_server() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    yield from server()


@pytest.fixture
def closed_x_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """It lets in only who knows a cookie."""
    cookie = tmp_path / "cookie"
    name, data = b"MIT-MAGIC-COOKIE-1", os.urandom(16)
    fields = [b"", b"", name, data]  # man Xsecurity: family, address, display, name, data
    cookie.write_bytes(
        b"\xff\xff" + b"".join(len(field).to_bytes(2, "big") + field for field in fields)
    )
    yield from server("-auth", str(cookie))


def test_it_is_an_error_of_the_tree() -> None:
    assert DisplayError.__bases__ == (KwsError,)


def test_no_display_at_all() -> None:
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in refusal(ask())


def test_drawing_into_memory_needs_none() -> None:
    assert ask(QT_QPA_PLATFORM="offscreen").stdout.split() == ["offscreen", "offscreen"]
    assert ask(QT_QPA_PLATFORM="minimal:x=1").stdout.split() == ["minimal", "minimal"]


def test_a_display_that_answers(x_server: tuple[str, subprocess.Popen[bytes]]) -> None:
    done = ask(DISPLAY=x_server[0])
    assert (done.stdout.split(), done.returncode) == (["xcb", "xcb"], 0)


def test_the_platform_that_was_found_is_the_one_that_qt_takes(
    x_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    variables = {"DISPLAY": x_server[0], "QT_QPA_PLATFORM": "nonsense;xcb"}
    assert require_display(variables) == "xcb"
    assert variables["QT_QPA_PLATFORM"] == "xcb"
    # Qt would follow the kind of the session alone, and abort.
    done = ask(DISPLAY=x_server[0], XDG_SESSION_TYPE="wayland", WAYLAND_DISPLAY="nowhere")
    assert done.stdout.split() == ["xcb", "xcb"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (":3999", "DISPLAY is ':3999', which names a display where nobody answers"),
        ("nonsense", "DISPLAY is 'nonsense', which is no name of a display; write it as :0"),
    ],
)
def test_nobody_answers(name: str, wanted: str) -> None:
    assert wanted in refusal(ask(DISPLAY=name))


def test_access_is_refused(closed_x_server: tuple[str, subprocess.Popen[bytes]]) -> None:
    done = ask(DISPLAY=closed_x_server[0], XAUTHORITY="/nowhere")
    assert "which refuses: Authorization required, but no auth" in refusal(done)


def test_a_display_that_hangs(
    x_server: tuple[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, process = x_server
    others = threading.active_count()  # of tests before this one
    process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(display, "_ANSWER_TIMEOUT_S", 0.2)
    with pytest.raises(DisplayError, match=f"DISPLAY is '{name}', which does not answer within"):
        require_display({"DISPLAY": name})
    process.send_signal(signal.SIGCONT)
    deadline = time.monotonic() + 10
    while threading.active_count() > others and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= others  # it answered at last


@pytest.mark.parametrize("part", ["PyQt5", "qtpy", "pyqtgraph", "platformdirs", "tomlkit"])
def test_a_part_that_is_not_installed(part: str) -> None:
    done = ask(before=f"sys.modules[{part!r}] = None", DISPLAY=":0")
    assert f"the window needs {part}, not installed here; install it: pip install '.[gui]'" in (
        refusal(done)
    )


def test_a_platform_that_this_qt_does_not_have() -> None:
    text = refusal(ask(QT_QPA_PLATFORM="xbc"))
    assert "QT_QPA_PLATFORM is 'xbc', which this Qt does not have; it has" in text
    assert "xcb" in text


def missing(plugin: str, needs: str, instead: str, folder: Path) -> None:
    """A copy of a plugin that needs another library."""
    assert len(needs) == len(instead)
    data = (PLUGINS / plugin).read_bytes()
    assert needs.encode() in data
    (folder / plugin).write_bytes(data.replace(needs.encode(), instead.encode()))


def test_a_library_that_is_not_installed(tmp_path: Path) -> None:
    missing("libqxcb.so", "libQt5XcbQpa.so.5", "libQt5XcbQpx.so.5", tmp_path)
    text = refusal(ask(DISPLAY=":0", QT_QPA_PLATFORM_PLUGIN_PATH=str(tmp_path)))
    assert "Qt's plugin for xcb needs libQt5XcbQpx.so.5, not installed here" in text
    assert "install it: with your system's packages" in text


def test_a_plugin_that_is_broken(tmp_path: Path) -> None:
    (tmp_path / "libqxcb.so").write_bytes(b"no library")
    text = refusal(ask(DISPLAY=":0", QT_QPA_PLATFORM_PLUGIN_PATH=str(tmp_path)))
    assert "Qt's plugin for xcb cannot be loaded: " in text


def test_all_missing_libraries_are_named_with_their_packages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = ctypes.CDLL

    def load(name: str) -> ctypes.CDLL:
        gone = "libxcb-icccm.so.4" if name.endswith("libqxcb.so") else name
        if gone in ("libxcb-icccm.so.4", "libxkbcommon-x11.so.0"):
            raise OSError(f"{gone}: cannot open shared object file: No such file or directory")
        return real(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    wanted = (
        "needs libxcb-icccm.so.4, libxkbcommon-x11.so.0, not installed here; install it: "
        "apt-get install libxcb-icccm4 libxkbcommon-x11-0; "
    )
    with pytest.raises(DisplayError, match=re.escape(wanted)):
        require_display({"DISPLAY": ":0"})


def test_a_library_that_qt_itself_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr(display.importlib, "import_module", refuse)
    with pytest.raises(DisplayError, match=r"Qt's QtCore needs libGL.so.1.*apt-get install libgl1"):
        require_display({"DISPLAY": ":0"})


@pytest.fixture
def any_plugin_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plugin for Wayland needs libraries that not every machine has."""
    monkeypatch.setattr(ctypes, "CDLL", lambda name: None)


@pytest.mark.usefixtures("any_plugin_loads")
def test_wayland(tmp_path: Path) -> None:
    variables = {"WAYLAND_DISPLAY": "wl", "XDG_RUNTIME_DIR": str(tmp_path)}
    with pytest.raises(DisplayError, match=f"no Wayland display answers at {tmp_path}/wl"):
        require_display(dict(variables))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "wl"))
        listening.listen()
        assert require_display(variables) == "wayland"
    assert variables["QT_QPA_PLATFORM"] == "wayland"


def open_sockets() -> int:
    """Those of this process; what other tests have left is collected first."""
    gc.collect()
    links = []
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # the one that lists them is closed again
            links.append(str(path.readlink()))
    return sum(link.startswith("socket:") for link in links)


def test_the_server_keeps_a_client_until_qt_is_there(
    x_server: tuple[str, subprocess.Popen[bytes]],
) -> None:
    before = open_sockets()
    for count in (1, 2, 3):  # an X server that its last client has left starts anew
        require_display({"DISPLAY": x_server[0]})
        assert open_sockets() == before + count
    hang_up()
    assert open_sockets() == before
