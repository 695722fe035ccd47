"""Nothing is kept in a home, and nobody is told anything, by just listening."""

import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT, environment
from program import run as run_program

# As people have it: ONNX Runtime keeps quiet by itself in tests and continuous integration.
AS_AT_HOME = {"CI": "", "ORT_RUNNING_UNIT_TESTS": "", "ORT_DISABLE_TELEMETRY": "0"}
PLACES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def test_a_home_stays_empty(tmp_path: Path, tiny_folder: Path, demo_path: Path) -> None:
    places = dict.fromkeys(PLACES, str(tmp_path))
    arguments = ("--headless", "--json", "--backend", "cpu", "--model", tiny_folder)
    done = run_program(*arguments, "--input", demo_path, **places, **AS_AT_HOME)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "module", ["engine.backends.onnxruntime", "kws_app.gui.attention", "training.card.macs"]
)
def test_telemetry_is_off_before_the_runtime_is_imported(module: str) -> None:
    look = f"import os, sys, {module}; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run(
        [sys.executable, "-c", f"{look}; sys.exit('onnxruntime' in sys.modules)"],
        capture_output=True,
        cwd=ROOT,
        env=environment(**AS_AT_HOME),
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"1\n", b"")
