"""The process that only scores loads nothing else and tells its own memory."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from training.card import child


def run(*arguments: object) -> dict:
    command = [sys.executable, "-m", "training.card.child", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_what_it_tells(tiny_folder: Path) -> None:
    found = run(tiny_folder, "cpu", 20)
    assert (found["backend"], found["windows"]) == ("cpu", 20)
    assert set(found["total_ms"]) == {"p50", "p95"}


def test_its_memory_is_not_its_parents(tiny_folder: Path) -> None:
    ballast = np.ones(60_000_000)  # 480 MB, which a child inherits for a moment
    found = run(tiny_folder, "cpu", 5)
    assert found["peak_mib"] < 300
    assert ballast.nbytes > 400 << 20


def test_every_window_is_timed(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timed = []
    monkeypatch.setattr(child, "_quantiles_ms", lambda times: timed.append(len(times)) or {})
    child.measure(tiny_folder, "cpu", 30)
    assert timed == [30, 30]


def test_a_slow_model_is_timed_on_fewer_windows(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_LONGEST_S", 0.0)
    assert child.measure(tiny_folder, "cpu", 30)["windows"] == 1


def test_errors_are_told(tmp_path: Path, tiny_folder: Path) -> None:
    assert run(tiny_folder, "no-backend", 5)["error"].startswith("backend 'no-backend' is not in")
    assert "does not exist" in run(tmp_path / "gone", "cpu", 5)["error"]


def test_it_loads_no_torch(tiny_folder: Path) -> None:
    script = (
        "import sys; from training.card import child;"
        f"child.main([{str(tiny_folder)!r}, 'cpu', '3']);"
        "print([n for n in ('torch', 'matplotlib', 'soundfile', 'onnx') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_a_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "_STATUS", tmp_path / "gone")
    assert child.peak_mib() is None
    (tmp_path / "status").write_text("VmPeak: 5 kB\n")
    monkeypatch.setattr(child, "_STATUS", tmp_path / "status")
    assert child.peak_mib() is None
    (tmp_path / "status").write_text("VmHWM:\t  2048 kB\n")
    assert child.peak_mib() == 2
