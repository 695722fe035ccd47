"""Clean ends: Ctrl-C, SIGTERM, a closed pipe."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from program import COMMAND, ROOT, environment, start
from signals import tone_stream


def first_line(program: subprocess.Popen[bytes]) -> dict[str, Any]:
    assert program.stdout is not None
    line: dict[str, Any] = json.loads(program.stdout.readline())
    return line


def end(program: subprocess.Popen[bytes]) -> tuple[int, list[dict[str, Any]], str]:
    out, err = program.communicate(timeout=20)
    return program.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_live_stream_with_its_last_line(
    tiny_folder: Path, demo_path: Path, number: signal.Signals
) -> None:
    program = start(
        "--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder
    )
    assert first_line(program)["event"] == "start"
    program.send_signal(number)
    program.send_signal(number)
    status, lines, err = end(program)
    assert (status, err) == (0, "")
    assert (lines[-1]["event"], lines[-1]["reason"]) == ("stop", "interrupted")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_silent_pipe(tiny_folder: Path, number: signal.Signals) -> None:
    program = start(
        *("--headless", "--json", "--input", "-", "--model", tiny_folder), stdin=subprocess.PIPE
    )
    assert first_line(program)["source"] == "-"
    program.send_signal(number)
    program.wait(timeout=20)  # before standard input is closed
    status, lines, err = end(program)
    assert (status, err) == (0, "")
    assert lines[-1]["reason"] == "interrupted"


def test_posteriors_are_kept_after_a_signal(
    tmp_path: Path, tiny_folder: Path, demo_path: Path
) -> None:
    path = tmp_path / "p.npz"
    program = start(
        *("--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder),
        *("--posteriors", path),
    )
    first_line(program)
    program.send_signal(signal.SIGTERM)
    assert end(program)[0] == 0
    assert path.exists()


def test_a_closed_pipe_ends_quietly(tiny_folder: Path) -> None:
    pcm = (tone_stream() * 32_767).astype("<i2").tobytes() * 20
    program = subprocess.Popen(
        [*COMMAND, "--headless", "--json", "--input", "-", "--model", str(tiny_folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(),
    )
    assert program.stdin is not None
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.readline()
    program.stdout.close()
    for finish in (lambda: program.stdin.write(pcm), program.stdin.close):
        with contextlib.suppress(BrokenPipeError):
            finish()
    assert program.wait(timeout=20) == 0
    assert program.stderr.read() == b""
    program.stderr.close()


def wait_until_it_catches(program: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    """Python itself takes some milliseconds until the first line of the program."""
    status = Path(f"/proc/{program.pid}/status")
    deadline = time.monotonic() + 20
    while True:
        (caught,) = [line for line in status.read_text().splitlines() if line.startswith("SigCgt")]
        if int(caught.split()[1], 16) >> (number - 1) & 1:
            return
        assert time.monotonic() < deadline


@pytest.mark.skipif(not Path("/proc").exists(), reason="Linux says which signals are caught")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_any_moment_of_the_start_ends_it_without_a_word(
    tiny_folder: Path, demo_path: Path, number: signal.Signals
) -> None:
    for delay_ms in (0, 2, 5, 10, 20, 40, 60, 80, 100, 150, 200, 250, 300):
        program = start(
            "--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder
        )
        wait_until_it_catches(program, number)
        time.sleep(delay_ms / 1000)
        program.send_signal(number)
        status, lines, err = end(program)
        assert (status, err) == (0, ""), delay_ms
        assert not lines or lines[-1]["event"] == "stop", delay_ms


def test_signals_during_the_end_change_nothing(tiny_folder: Path, demo_path: Path) -> None:
    for delay_ms in range(0, 100, 8):
        program = start(
            "--headless", "--json", "--realtime", "--input", demo_path, "--model", tiny_folder
        )
        first_line(program)
        program.send_signal(signal.SIGTERM)
        time.sleep(delay_ms / 1000)
        program.send_signal(signal.SIGTERM)
        status, lines, err = end(program)
        assert (status, err) == (0, ""), delay_ms
        assert lines[-1]["event"] == "stop"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_pipe_without_a_writer_holds_up_no_end(
    tmp_path: Path, tiny_folder: Path, number: signal.Signals
) -> None:
    """Opening it waits for ever, and nothing interrupts that."""
    os.mkfifo(tmp_path / "pipe.wav")
    program = start(
        *("--headless", "--json", "--input", tmp_path / "pipe.wav", "--model", tiny_folder),
        *("--posteriors", tmp_path / "p.npz"),
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "p.partial.npz").exists():  # the last thing before it is opened
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(1)
    program.send_signal(number)
    status, lines, err = end(program)
    assert (status, lines) == (0, [])
    assert err == "kws: the source does not answer; it is left behind\n"
    assert (tmp_path / "p.npz").exists()  # what was to be kept is closed in order
