"""Starts and stops leave nothing behind: no thread, no descriptor, no memory."""

import json
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import ROOT, environment, start

STARTS = 100
SETTLED = 10  # from here on nothing may grow
MOST_MB = 5.0

# In a process of its own: what other tests have loaded must not count.
MANY_STARTS = """
import gc, json, os, sys, threading, time
from pathlib import Path
import numpy as np
from engine.audio.file import FileSource
from engine.audio.source import Block
from engine.backends import choose_backend
from engine.consumers import EventQueue
from engine.manifest import load_manifest
from engine.pipeline import Pipeline


class Live:
    sample_rate_hz, name, is_live = 16_000, "live", True

    def __enter__(self):
        self.blocks = 12
        return self

    def __exit__(self, *_):
        pass

    def read(self):  # as a microphone: silence, and then none for a moment
        self.blocks -= 1
        return Block(samples=np.zeros(1_600 if self.blocks >= 0 else 0, np.float32))


manifest = load_manifest(Path(sys.argv[2]))
for _ in range(int(sys.argv[4])):
    source = FileSource(Path(sys.argv[3]), 16_000) if sys.argv[1] == "file" else Live()
    heard = threading.Event()
    queue = EventQueue(1_000, drop_oldest=True)
    pipeline = Pipeline(
        source, manifest, choose_backend("cpu", manifest, live=source.is_live), manifest.decision,
        [queue], on_window=lambda scored: heard.set(),
    )
    threads = len(os.listdir("/proc/self/task"))
    pipeline.start()
    if sys.argv[1] == "live":
        heard.wait(20)
        pipeline.stop()
    pipeline.join(20)
    assert heard.is_set() and not pipeline.is_alive
    del pipeline, queue, source
    gc.collect()
    for _ in range(500):  # a thread that was joined may still be on its way out of the kernel
        if len(os.listdir("/proc/self/task")) == threads:
            break
        time.sleep(0.002)
    statm = Path("/proc/self/statm").read_text().split()
    print(json.dumps({
        "threads": len(os.listdir("/proc/self/task")),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "megabytes": int(statm[1]) * os.sysconf("SC_PAGESIZE") / 1e6,
    }))
"""


@pytest.fixture(scope="module")
def short_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "short.wav"
    soundfile.write(path, np.zeros(20_000), 16_000)
    return path


@pytest.mark.parametrize("kind", ["file", "live"])
def test_a_hundred_starts_leave_nothing_behind(
    kind: str, default_folder: Path, tiny_folder: Path, short_file: Path
) -> None:
    model = tiny_folder if kind == "file" else default_folder
    done = subprocess.run(
        [sys.executable, "-c", MANY_STARTS, kind, model, short_file, str(STARTS)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(PYTHONPATH=str(ROOT)),
        timeout=110,
    )
    assert (done.returncode, done.stderr) == (0, "")
    seen = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(seen) == STARTS
    settled = seen[SETTLED:]
    for what in ("threads", "descriptors"):
        assert {each[what] for each in settled} == {settled[0][what]}, what
    # Of ten starts the middle one: where the heap puts a model of 12 MB moves single ones.
    first, last = (
        statistics.median(each["megabytes"] for each in part)
        for part in (settled[:10], settled[-10:])
    )
    grown_mb = last - first
    assert grown_mb < MOST_MB


def test_the_program_starts_and_stops_ten_times(tiny_folder: Path, demo_path: Path) -> None:
    for _ in range(10):
        program = start(
            *("--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder)
        )
        assert program.stdout is not None
        assert b'"start"' in program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=20)
        assert (program.returncode, err) == (0, b"")
        assert json.loads(out.splitlines()[-1])["reason"] == "interrupted"
