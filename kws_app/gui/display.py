"""Whether a window can be shown, found out before Qt is asked: Qt would abort the program.

What is missing is a `DisplayError`, exit status 1: the arguments are right, it is the machine that
has no display. Nothing here imports Qt before it is known to be there.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import re
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DisplayError
from kws_app.gui.system_libraries import PACKAGES, WAYLAND_PACKAGES, missing_of

_PYTHON_PARTS = ("PyQt5", "qtpy", "pyqtgraph", "platformdirs", "tomlkit")
_QT_PARTS = ("QtCore", "QtGui", "QtWidgets", "QtNetwork", "QtSvg")
_PLUGIN_FILES = {"wayland": "libqwayland-generic.so", "wayland-egl": "libqwayland-egl.so"}
_ANSWER_TIMEOUT_S = 5.0
_HEADLESS = "or listen without a window: add --headless"
# XCB_CONN_* of xcb/xcb.h
_XCB_ERRORS = {
    5: "is no name of a display; write it as :0 or host:0",
    6: "names a screen that the server does not have",
}

_held: list[int] = []  # connections of xcb


def require_display(environment: MutableMapping[str, str] | None = None) -> str:
    """Make sure that a QApplication can be made, and choose Qt's platform.

    Args:
        environment: The process's, if None. The platform that was found to work is entered there
            as QT_QPA_PLATFORM, so that Qt takes no other.

    Returns:
        The platform, for example "xcb".

    Raises:
        DisplayError: Something is missing; says what and how to mend it.

    Call `hang_up` when the QApplication stands.
    """
    variables = os.environ if environment is None else environment
    _require_python_parts()
    _require_qt()
    problems = []
    for candidate in _candidates(variables):
        platform = candidate.partition(":")[0]  # arguments may follow
        problem = _problem_of(platform, variables)
        if problem is None:
            variables["QT_QPA_PLATFORM"] = candidate
            return platform
        problems.append(problem)
    raise DisplayError("; ".join(problems))


def hang_up() -> None:
    """Close the connection that was tried out; Qt has its own by now.

    Not earlier: an X server starts anew when its last client leaves, and refuses who comes then.
    """
    while _held:
        _xcb().xcb_disconnect(_held.pop())


def _require_python_parts() -> None:
    missing = [name for name in _PYTHON_PARTS if importlib.util.find_spec(name) is None]
    if missing:
        raise DisplayError(
            f"the window needs {', '.join(missing)}, not installed here; install it: "
            f"pip install '.[gui]'; {_HEADLESS}"
        )


def _require_qt() -> None:
    for part in _QT_PARTS:
        try:
            importlib.import_module(f"qtpy.{part}")
        except ImportError as err:
            raise DisplayError(_unloadable(f"Qt's {part}", str(err))) from err


def _candidates(variables: Mapping[str, str]) -> list[str]:
    """Platforms to try. X11 first, also on Wayland, like Qt 5 on most desktops."""
    asked = variables.get("QT_QPA_PLATFORM", "")
    if asked:
        return asked.split(";")
    found = [
        platform
        for platform, name in (("xcb", "DISPLAY"), ("wayland", "WAYLAND_DISPLAY"))
        if variables.get(name)
    ]
    if not found:
        raise DisplayError(
            "there is no display for the window: neither DISPLAY nor WAYLAND_DISPLAY is set; "
            f"start it from a desktop, over ssh with -X, {_HEADLESS}"
        )
    return found


def _problem_of(platform: str, variables: Mapping[str, str]) -> str | None:
    problem = _plugin_problem(platform, variables)
    if problem is None and platform == "xcb":
        return _x11_problem(variables.get("DISPLAY", ""))
    if problem is None and platform.startswith("wayland"):
        return _wayland_problem(variables)
    return problem


def _plugin_folders(variables: Mapping[str, str]) -> list[Path]:
    from qtpy.QtCore import QLibraryInfo

    own = Path(QLibraryInfo.location(QLibraryInfo.LibraryLocation.PluginsPath))
    named = [Path(p) for p in variables.get("QT_PLUGIN_PATH", "").split(os.pathsep) if p]
    folders = [folder / "platforms" for folder in (*named, own)]
    direct = variables.get("QT_QPA_PLATFORM_PLUGIN_PATH")
    return [Path(direct), *folders] if direct else folders


def _plugin_problem(platform: str, variables: Mapping[str, str]) -> str | None:
    name = _PLUGIN_FILES.get(platform, f"libq{platform}.so")
    folders = _plugin_folders(variables)
    plugin = next((folder / name for folder in folders if (folder / name).is_file()), None)
    if plugin is None:
        there = {path.stem.removeprefix("libq") for f in folders for path in f.glob("libq*.so")}
        return (
            f"QT_QPA_PLATFORM is {platform!r}, which this Qt does not have; it has "
            f"{', '.join(sorted(there)) or 'none at all'}; unset it, {_HEADLESS}"
        )
    try:
        ctypes.CDLL(str(plugin))
    except OSError as err:
        return _unloadable(f"Qt's plugin for {platform}", str(err))
    return None


def _unloadable(what: str, reason: str) -> str:
    """The message for a part that the system's loader refuses."""
    found = re.match(r"(?:.*: )?(lib[^\s:]+): cannot open shared object file", reason)
    if found is None:
        return f"{what} cannot be loaded: {reason}; {_HEADLESS}"
    family = WAYLAND_PACKAGES if found[1] in WAYLAND_PACKAGES else PACKAGES
    libraries = sorted({found[1], *missing_of(family)})
    packages = sorted({family[name] for name in libraries if name in family})
    mend = f"apt-get install {' '.join(packages)}"
    if found[1] not in family:
        mend = "with your system's packages"
    return (
        f"{what} needs {', '.join(libraries)}, not installed here; install it: {mend}; {_HEADLESS}"
    )


def _x11_problem(display: str) -> str | None:
    """Connect as Qt would, with the keys of .Xauthority."""
    code: list[int] = []

    def connect() -> None:
        xcb = _xcb()
        connection = xcb.xcb_connect(display.encode() or None, None)
        error = xcb.xcb_connection_has_error(connection)
        if error:
            xcb.xcb_disconnect(connection)
        else:
            _held.append(connection)
        code.append(error)

    # A server that is stopped takes the connection and never answers.
    thread = threading.Thread(target=connect, daemon=True)
    with _stderr_caught() as said:
        thread.start()
        thread.join(_ANSWER_TIMEOUT_S)
    if code == [0]:
        return None
    if not code:
        why = f"does not answer within {_ANSWER_TIMEOUT_S:g} s"
    elif said:
        why = f"refuses: {said[0]}"
    else:
        why = _XCB_ERRORS.get(code[0], "names a display where nobody answers")
    return (
        f"DISPLAY is {display!r}, which {why}; start it from a desktop, over ssh with -X, "
        f"{_HEADLESS}"
    )


@contextmanager
def _stderr_caught() -> Iterator[list[str]]:
    """What a library writes to descriptor 2, as lines, once the block has ended."""
    lines: list[str] = []
    try:
        before = os.dup(2)
    except OSError:  # closed
        yield lines
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield lines
        finally:
            os.dup2(before, 2)
            os.close(before)
            caught.seek(0)
            lines += [line for line in caught.read().decode(errors="replace").split("\n") if line]


def _xcb() -> ctypes.CDLL:
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    return xcb


def _wayland_problem(variables: Mapping[str, str]) -> str | None:
    name = variables.get("WAYLAND_DISPLAY") or "wayland-0"
    path = Path(variables.get("XDG_RUNTIME_DIR", "/")) / name
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(_ANSWER_TIMEOUT_S)
            client.connect(str(path))
    except OSError as err:
        return (
            f"no Wayland display answers at {path} ({err.strerror or err}); start it from a "
            f"desktop, {_HEADLESS}"
        )
    return None
