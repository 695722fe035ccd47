"""A process of the program's own imports nothing from the folder that it is started in."""

import subprocess
from pathlib import Path

import pytest
from program import environment

from engine.own_process import module_command


@pytest.mark.parametrize("name", ["json.py", "engine/__init__.py", "numpy.py", "runpy.py"])
def test_the_current_folder_is_not_the_programs(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("raise SystemExit('imported')")
    done = subprocess.run(
        module_command("kws_app", "--version"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("kws ")
    assert (done.returncode, done.stderr) == (0, "")
