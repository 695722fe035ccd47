"""A crash of the interpreter, from outside, leaves the stacks of all threads."""

import signal
from pathlib import Path

import pytest
from program import read_event, start


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_crash_leaves_the_stacks_of_all_threads(
    tmp_path: Path, demo_path: Path, tiny_folder: Path, number: signal.Signals
) -> None:
    program = start(
        *("--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder),
        XDG_STATE_HOME=str(tmp_path),
    )
    read_event(program)
    program.send_signal(number)
    program.communicate(timeout=60)
    assert program.returncode == -number
    (faults,) = (tmp_path / "kws" / "log").iterdir()
    assert faults.name == f"faults-{program.pid}.log"
    text = faults.read_text()
    assert text.startswith("Fatal Python error: ")
    assert "engine/pipeline.py" in text  # the scorer thread
    assert "kws_app/headless.py" in text  # the main one
