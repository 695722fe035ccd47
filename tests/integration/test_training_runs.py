"""Runs as people start them: interrupted, killed, on a full disk, in two processes."""

import os
import resource
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from program import ROOT, environment, json_lines, run
from small_run import word_folder

from training.checkpoint import load_checkpoint
from training.run_log import read_log

RECIPE = """
[model]
dim = 24
depth = 2
heads = 2

[augment]
mixup = 0.5
mask_frames = 8
mask_mels = 8

[fit]
steps = {steps}
batch_size = 6
learning_rate = 3e-3
validate_every = 10
ema_decay = 0.9
precision = "fp32"
threads = 1
workers = 0
tensorboard = false
checkpoint_every_s = 0.2
"""


@pytest.fixture
def words(tmp_path: Path) -> Path:
    return word_folder(tmp_path / "words")


def recipe(folder: Path, steps: int = 20) -> Path:
    path = folder / f"recipe{steps}.toml"
    path.write_text(RECIPE.format(steps=steps))
    return path


def command(recipe: Path, run_folder: Path, words: Path, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "training", "fit", str(recipe)),
        *(str(run_folder), "--data", str(words), *more),
    ]


def fit(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment(),
        timeout=120,
        **options,
    )


def wait_for(path: Path, process: subprocess.Popen[Any]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def weights(run_folder: Path) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(run_folder / "last.pt")["averaged_weights"])


def test_killed_at_any_moment_it_goes_on_to_the_same_weights(tmp_path: Path, words: Path) -> None:
    long = recipe(tmp_path, 400)
    done = fit(long, tmp_path / "whole", words)
    assert done.returncode == 0, done.stderr
    for kill in range(4):
        process = subprocess.Popen(
            command(long, tmp_path / "killed", words),
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        before = _mtime(tmp_path / "killed" / "last.pt")
        while process.poll() is None and _mtime(tmp_path / "killed" / "last.pt") == before:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.05 * kill)
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = fit(long, tmp_path / "killed", words)
    assert done.returncode == 0, done.stderr
    resumed = weights(tmp_path / "killed")
    for name, value in weights(tmp_path / "whole").items():
        torch.testing.assert_close(resumed[name], value, msg=name)
    logs = [read_log(tmp_path / name / "log.csv") for name in ("whole", "killed")]
    for row in (*logs[0], *logs[1]):
        del row["trained_s"]
    assert logs[0] == logs[1]


def _mtime(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_an_interruption_is_one_line(tmp_path: Path, words: Path, number: int, status: int) -> None:
    process = subprocess.Popen(
        command(recipe(tmp_path, 100_000), tmp_path / "run", words, "--set", "fit.workers=1"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(tmp_path / "run" / "last.pt", process)
    os.killpg(process.pid, number)  # as a terminal does, workers included
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert "Traceback" not in err
    assert err.endswith("training: interrupted; run the same command to go on\n")


def children(parent: int) -> list[int]:
    """Running processes of a parent."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            state, ppid = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if folder.name.isdigit() and int(ppid) == parent and state != "Z":
            found.append(int(folder.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_workers_end_with_a_trainer_that_was_killed(tmp_path: Path, words: Path) -> None:
    process = subprocess.Popen(
        command(recipe(tmp_path, 100_000), tmp_path / "run", words, "--set", "fit.workers=2"),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(tmp_path / "run" / "last.pt", process)
    workers = children(process.pid)
    assert len(workers) == 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    "redirection", ["2>/dev/full", ">/dev/full", "2>&-", ">&- 2>&-", "| head -1"]
)
def test_output_that_nobody_takes_ends_no_run(
    tmp_path: Path, words: Path, redirection: str
) -> None:
    fit_command = shlex.join(command(recipe(tmp_path, 20), tmp_path / "run", words))
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{fit_command} {redirection}"],
        capture_output=True,
        cwd=ROOT,
        env=environment(),
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert load_checkpoint(tmp_path / "run" / "last.pt")["step"] == 20
    assert [row["step"] for row in read_log(tmp_path / "run" / "log.csv")] == ["10", "20"]


def test_a_full_disk_is_one_line_and_the_checkpoint_of_before_is_whole(
    tmp_path: Path, words: Path
) -> None:
    short = recipe(tmp_path, 20)
    assert fit(short, tmp_path / "run", words).returncode == 0
    before = load_checkpoint(tmp_path / "run" / "last.pt")

    def limit() -> None:
        # No file may grow beyond this: what a full disk looks like to a program.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    done = fit(recipe(tmp_path, 40), tmp_path / "run", words, preexec_fn=limit)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"training: cannot write a checkpoint to {tmp_path / 'run'}: ")
    assert "the one of before is whole" in last
    after = load_checkpoint(tmp_path / "run" / "last.pt")
    assert after["step"] == before["step"] == 20
    assert fit(recipe(tmp_path, 40), tmp_path / "run", words).returncode == 0


def test_two_processes_train_as_one(tmp_path: Path, words: Path) -> None:
    """Also when both are ended between two validations, and go on."""
    recipe_path = recipe(tmp_path, 300)
    # Eight windows an epoch: the second batch has a single row, and one process none.
    settings = (
        *("fit.batch_size=7", "fit.validate_every=150", "model.drop_path=0.2"),
        "fit.label_smoothing=0.1",  # a row that must not count would have a loss
    )
    changes = [word for setting in settings for word in ("--set", setting)]
    assert fit(recipe_path, tmp_path / "one", words, *changes).returncode == 0
    arguments = command(recipe_path, tmp_path / "two", words, *changes)[1:]
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    two_processes: dict[str, Any] = {"cwd": ROOT, "env": environment(OMP_NUM_THREADS="1")}
    process = subprocess.Popen([*torchrun, *arguments], start_new_session=True, **two_processes)
    wait_for(tmp_path / "two" / "last.pt", process)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(timeout=60)
    ended_at = load_checkpoint(tmp_path / "two" / "last.pt")["step"]
    assert 0 < ended_at < 300
    assert ended_at % 150
    done = subprocess.run(
        [*torchrun, *arguments], capture_output=True, text=True, timeout=120, **two_processes
    )
    assert done.returncode == 0, done.stderr
    one, two = (read_log(tmp_path / name / "log.csv") for name in ("one", "two"))
    assert [row["step"] for row in two] == ["150", "300"]
    for row_one, row_two in zip(one, two, strict=True):
        assert abs(float(row_one["loss"]) - float(row_two["loss"])) < 1e-4
    expected = weights(tmp_path / "one")
    for name, value in weights(tmp_path / "two").items():
        # Biases of keys change no softmax: Adam scales the rounding errors in their gradients up.
        if not name.endswith("qkv.bias"):
            torch.testing.assert_close(value, expected[name], atol=1e-3, rtol=1e-2, msg=name)


def test_words_of_ones_own_to_a_running_model(tmp_path: Path, words: Path, demo_path: Path) -> None:
    """The README's sequence, cut short: from the model that ships, with a config of a few lines."""
    config = tmp_path / "own.toml"
    config.write_text(
        f'recipe = "words"\n[data]\nfolder = "{words}"\n[fit]\nsteps = 3\nbatch_size = 4\n'
    )
    run_folder, model = tmp_path / "run", tmp_path / "model"
    for arguments in (
        ["fit", str(config), str(run_folder)],
        ["export", str(run_folder), "--model", str(model)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "training", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
    assert list((run_folder / "tensorboard").iterdir())
    heard = run("--headless", "--json", "--model", model, "--input", demo_path)
    assert heard.returncode == 0, heard.stderr
    assert json_lines(heard.stdout)[0]["keywords"] == ["high", "low"]
