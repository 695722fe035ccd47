"""Standard streams that are closed or full: one line, a status, nothing in the wrong place."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import soundfile
from program import COMMAND, ROOT, environment
from signals import tone_stream


def run(redirection: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f'"$@" {redirection}', "bash", *COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=ROOT,
        env=environment(),
        check=False,
    )


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_under_stdout(tmp_path: Path, tiny_folder: Path, options: list[str]) -> None:
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream(), 16_000)
    done = run(
        *("> /dev/full", "--headless", "--quiet", "--input", path, "--model", tiny_folder),
        *options,
    )
    assert done.stderr == "kws: cannot write to standard output: No space left on device\n"
    assert done.returncode == 1


@pytest.mark.parametrize("action", ["--print-config", "--headless", "--list-devices"])
def test_a_closed_stdout_is_refused(action: str) -> None:
    done = run(">&-", action)
    assert done.stderr.startswith("kws: standard output is closed; redirect it")
    assert done.returncode == 2


def test_a_closed_stdin_is_refused(tiny_folder: Path) -> None:
    done = run("<&-", "--headless", "--input", "-", "--model", tiny_folder)
    assert done.stderr.startswith("kws: standard input is closed; --input - reads")
    assert done.returncode == 2


@pytest.mark.parametrize("redirection", ["2>&-", "2> /dev/full"])
def test_a_log_that_cannot_be_written_changes_nothing(
    tiny_folder: Path, demo_path: Path, redirection: str
) -> None:
    arguments = ["--headless", "--verbose", "--input", demo_path, "--model", tiny_folder]
    normal = run("", *arguments)
    assert "kws: end of input" in normal.stderr
    done = run(redirection, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, normal.stdout, "")


def test_the_status_of_an_error_survives_a_full_log() -> None:
    assert run("2> /dev/full", "--headless", "--smoothing", "many").returncode == 2


def stalled_pipe() -> tuple[int, int]:
    """A pipe that is full; nobody reads it for now."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write_end, bytes(4096))
    os.set_blocking(write_end, True)
    return read_end, write_end


def test_a_reader_that_stalls_does_not_hold_up_the_end(tiny_folder: Path, demo_path: Path) -> None:
    read_end, write_end = stalled_pipe()
    arguments = ["--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder]
    program = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=write_end,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    time.sleep(2)
    assert program.poll() is None
    program.send_signal(signal.SIGTERM)
    _, err = program.communicate(timeout=8)
    assert (program.returncode, b"Traceback" in err) == (0, False)
    os.close(read_end)
    os.close(write_end)


def test_a_log_whose_reader_stalls_holds_up_nothing(tiny_folder: Path, demo_path: Path) -> None:
    read_end, write_end = stalled_pipe()
    arguments = ["--headless", "--verbose", "--input", demo_path, "--model", tiny_folder]
    normal = run("", *arguments)
    program = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=write_end,
        cwd=ROOT,
        env=environment(),
    )
    out, _ = program.communicate(timeout=20)
    assert (program.returncode, out.decode()) == (0, normal.stdout)
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_that_is_closed_is_the_usual_end(
    tiny_folder: Path, demo_path: Path, options: list[str]
) -> None:
    ours, theirs = os.openpty()
    arguments = ["--headless", "--realtime", "--input", demo_path, "--model", tiny_folder, *options]
    program = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    os.close(theirs)
    time.sleep(1.5)
    os.close(ours)
    time.sleep(0.5)
    program.send_signal(signal.SIGHUP)
    _, err = program.communicate(timeout=20)
    assert (program.returncode, b"cannot write" in err) == (0, False)
