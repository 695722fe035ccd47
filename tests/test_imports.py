"""Importing is free: no runtime, no device, no thread."""

import subprocess
import sys

RUNTIMES = (
    *("onnxruntime", "sounddevice", "soundfile", "soxr", "torch", "onnx", "tensorrt"),
    *("paho", "Xlib"),
)
QT = ("PyQt5", "qtpy", "pyqtgraph", "tomlkit")
SCRIPT = """
import importlib, pkgutil, sys, threading
import engine, kws_app
for package in (engine, kws_app):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        of_the_window = module.name.startswith("kws_app.gui")
        if not module.name.endswith("__main__") and (not of_the_window or {window}):
            importlib.import_module(module.name)
import kws_app.__main__
print([name for name in {heavy!r} if name in sys.modules], threading.active_count())
"""
NO_APPLICATION = """
from qtpy.QtWidgets import QApplication
print(QApplication.instance())
"""


def lines(script: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_importing_everything_loads_no_runtime_and_starts_no_thread() -> None:
    assert lines(SCRIPT.format(window=False, heavy=(*RUNTIMES, *QT))) == ["[] 1"]


def test_importing_the_window_makes_no_application() -> None:
    script = SCRIPT.format(window=True, heavy=RUNTIMES) + NO_APPLICATION
    assert lines(script) == ["[] 1", "None"]
