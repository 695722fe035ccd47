"""Runs the application as a person does."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "kws_app"]
_started: list[subprocess.Popen[bytes]] = []


def environment(**more: str) -> dict[str, str]:
    """This process's variables without settings for kws, and with buffers as people have them."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KWS_") and name != "PYTHONUNBUFFERED"
    }
    return own | more


def run(
    *arguments: str | Path,
    data: bytes | None = None,
    most_file_bytes: int | None = None,
    **variables: str,
) -> subprocess.CompletedProcess[str]:
    """Run to the end; `data` goes to standard input, and no file may grow beyond its most bytes."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_file_bytes, most_file_bytes))

    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=data,
        stdin=subprocess.DEVNULL if data is None else None,
        capture_output=True,
        cwd=ROOT,
        env=environment(**variables),
        timeout=60,
        preexec_fn=None if most_file_bytes is None else limit,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def start(*arguments: str | Path, **more: Any) -> subprocess.Popen[bytes]:
    """Start and leave it running, to the end of the test at most."""
    program = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=more.pop("stdout", subprocess.PIPE),
        stderr=more.pop("stderr", subprocess.PIPE),
        stdin=more.pop("stdin", subprocess.DEVNULL),
        cwd=ROOT,
        env=environment(**more),
    )
    _started.append(program)
    return program


def kill_what_runs() -> None:
    """A test that failed leaves no program behind."""
    for program in _started:
        if program.poll() is None:
            program.kill()
            program.communicate(timeout=20)
    _started.clear()


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def detections(text: str) -> list[tuple[str, float]]:
    """Keyword and time of every detection in JSON lines."""
    return [
        (line["keyword"], line["time_s"])
        for line in json_lines(text)
        if line["event"] == "detection"
    ]


def read_event(program: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The next line that a running program prints, statistics left out."""
    assert program.stdout is not None
    event: dict[str, Any] = {"event": "stats"}
    while event["event"] == "stats":
        event = json.loads(program.stdout.readline())
    return event
