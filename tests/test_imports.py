"""Importing is free: no runtime, no device, no thread."""

import subprocess
import sys

HEAVY = (
    *("onnxruntime", "sounddevice", "soundfile", "soxr", "torch", "onnx", "PyQt5", "tensorrt"),
    *("paho", "Xlib"),
)
SCRIPT = f"""
import importlib, pkgutil, sys, threading
import engine, kws_app
for package in (engine, kws_app):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import kws_app.__main__
print([name for name in {HEAVY!r} if name in sys.modules], threading.active_count())
"""


def test_importing_everything_loads_no_runtime_and_starts_no_thread() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == "[] 1"
