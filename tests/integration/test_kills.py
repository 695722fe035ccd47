"""kill -9 at any moment: every file is whole or absent, and the next start goes on."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from killed_writers import KINDS
from program import ROOT, environment, json_lines, run, start

HELPERS = ROOT / "tests" / "helpers"


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_is_whole_or_absent_whenever_its_writer_is_killed(kind: str, tmp_path: Path) -> None:
    paths = f"{ROOT}:{HELPERS}"
    done = subprocess.run(
        [sys.executable, HELPERS / "killed_writers.py", kind, tmp_path, "7"],
        capture_output=True,
        text=True,
        env=environment(PYTHONPATH=paths, PYTHONUNBUFFERED="1"),
        timeout=110,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_program_itself_is_killed_and_goes_on(
    tmp_path: Path, tiny_folder: Path, demo_path: Path
) -> None:
    rng = random.Random(3)
    files = {name: tmp_path / name for name in ("r.flac", "p.npz", "health.json", "heard")}
    options = [
        *("--headless", "--json", "--model", tiny_folder, "--backend", "cpu"),
        *("--record", files["r.flac"], "--posteriors", files["p.npz"]),
        *("--health", files["health.json"], "--ledger", files["heard"], "--threshold", "low=0.01"),
    ]
    for _ in range(4):
        program = start(*options, "--realtime", "--input", demo_path)
        assert program.stdout is not None
        program.stdout.readline()  # it listens
        time.sleep(rng.uniform(0, 1.5))
        program.send_signal(signal.SIGKILL)
        program.communicate(timeout=20)
        assert program.returncode == -signal.SIGKILL
        assert not files["r.flac"].exists()
        assert not files["p.npz"].exists()
        if files["health.json"].exists():
            json.loads(files["health.json"].read_text())
    done = run(*options, "--input", demo_path)
    assert (done.returncode, json_lines(done.stdout)[-1]["reason"]) == (0, "end of input")
    assert soundfile.info(files["r.flac"]).frames > 16_000
    with np.load(files["p.npz"], allow_pickle=False) as found:
        assert len(found["time_s"])
    listed = run("ledger", "list", files["heard"], "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
