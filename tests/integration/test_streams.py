"""Standard streams that are closed or full: one line, a status, nothing in the wrong place."""

import subprocess
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
