"""Nothing is kept in a home, and nobody is told anything, by just listening."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from program import COMMAND, ROOT, environment
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


# Connected sockets need no address later, so these calls see every attempt; sockets within this
# machine (AF_UNIX) are the sound server's and the display's.
TRACED = ("strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o")
ALONE = ("unshare", "-rn")  # a network namespace with nothing in it


def _missing() -> str | None:
    for name in ("strace", "unshare"):
        if shutil.which(name) is None:
            return f"{name} is not installed"
    try:
        subprocess.run([*ALONE, *TRACED, "/dev/null", "true"], check=True, capture_output=True)
    except subprocess.CalledProcessError as err:
        return f"no namespace or no tracing here: {err.stderr.decode().strip()}"
    return None


@pytest.fixture(scope="module")
def alone() -> None:
    missing = _missing()
    if missing is not None:
        pytest.skip(missing)


class Program:
    """One without a network, whose every attempt to reach it is written down."""

    def __init__(self, trace: Path, *command: str | Path, **variables: str) -> None:
        self._trace = trace
        self.process = subprocess.Popen(
            [*ALONE, *TRACED, str(trace), *map(str, command)],
            cwd=ROOT,
            env=environment(**variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, word: str) -> None:
        """Read its output up to a line with a word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if word in line:
                return
        raise AssertionError(self.process.communicate())

    def end(self) -> tuple[int, str, list[str]]:
        """Ask it to end if it has not; its status, what else it said, and its attempts."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if self.process.poll() is None and (pids := children.read_text().split()):
            subprocess.run(["kill", "-TERM", pids[0]])  # unshare and strace are one process
        out, err = self.process.communicate(timeout=60)
        calls = self._trace.read_text().splitlines()
        return self.process.returncode, out + err, [call for call in calls if "AF_INET" in call]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("reach", "call"),
    [
        ("socket.create_connection(('127.0.0.1', 9), 1)", "connect("),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))", "sendto("),
        ("socket.socket(socket.AF_INET6).connect_ex(('::1', 9))", "connect("),
    ],
)
def test_an_attempt_is_seen(tmp_path: Path, reach: str, call: str) -> None:
    told = Program(tmp_path / "trace", sys.executable, "-c", f"import socket; {reach}")
    told.process.wait(timeout=60)
    _, _, attempts = told.end()
    assert len(attempts) == 1
    assert call in attempts[0]


@pytest.mark.usefixtures("alone")
def test_a_recording_is_heard_without_an_attempt(tmp_path: Path, demo_path: Path) -> None:
    program = Program(
        tmp_path / "trace", *COMMAND, "--headless", "--input", demo_path, **AS_AT_HOME
    )
    program.process.wait(timeout=120)
    status, said, attempts = program.end()
    assert (status, attempts) == (0, [])
    assert "yes" in said


@pytest.mark.usefixtures("alone")
def test_a_microphone_is_listened_to_without_an_attempt(
    tmp_path: Path, microphone: dict[str, str], tiny_folder: Path
) -> None:
    program = Program(
        tmp_path / "trace",
        *(*COMMAND, "--headless", "--json", "--model", tiny_folder, "--device", "pulse"),
        *("--ledger", tmp_path / "ledger", "--record", tmp_path / "r.flac"),
        **microphone,
        **AS_AT_HOME,
    )
    program.wait_for('"stats"')
    status, said, attempts = program.end()
    assert (status, attempts) == (0, []), said
    assert '"stop"' in said


@pytest.mark.usefixtures("alone")
def test_the_doctor_and_the_window_attempt_nothing(
    tmp_path: Path, demo_path: Path, tiny_folder: Path
) -> None:
    doctor = Program(tmp_path / "doctor", *COMMAND, "doctor", "--backend", "cpu", **AS_AT_HOME)
    doctor.process.wait(timeout=120)
    _, said, attempts = doctor.end()
    assert "self-test" in said
    assert attempts == []
    pytest.importorskip("qtpy")
    places = dict.fromkeys(PLACES, str(tmp_path / "home"))
    window = Program(
        tmp_path / "window",
        *(*COMMAND, "--input", demo_path, "--model", tiny_folder),
        QT_QPA_PLATFORM="offscreen",
        **places,
        **AS_AT_HOME,
    )
    time.sleep(10)  # it says nothing while all is well
    assert window.process.poll() is None
    status, said, attempts = window.end()
    assert (status, attempts) == (0, []), said
