"""--ledger and the ledger's commands as a person uses them."""

import json
import os
import pty
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from program import COMMAND, ROOT, detections, environment, json_lines, run, start
from signals import RATE_HZ


def entries(folder: Path, *options: str) -> list[dict[str, Any]]:
    done = run("ledger", "list", folder, "--json", *options)
    assert (done.returncode, done.stderr) == (0, "")
    return json_lines(done.stdout)


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory, demo_path: Path) -> Path:
    """A folder with a ledger and a recording of the demo; read only."""
    folder = tmp_path_factory.mktemp("heard")
    done = run(
        *("--headless", "--json", "--input", demo_path),
        *("--ledger", folder / "ledger", "--record", folder / "r.flac"),
        *("--threshold", "left=0.995"),  # so that "left" is a near miss
    )
    assert done.returncode == 0, done.stderr
    (folder / "events.jsonl").write_text(done.stdout)
    (folder / "stderr").write_text(done.stderr)
    return folder


@pytest.fixture
def ledger(tmp_path: Path, heard: Path) -> Path:
    """A ledger of one's own."""
    subprocess.run(["cp", "-r", str(heard / "ledger"), str(tmp_path)], check=True)
    return tmp_path / "ledger"


def test_every_detection_and_the_near_miss_are_kept(heard: Path, demo_path: Path) -> None:
    found = entries(heard / "ledger")
    events = json_lines((heard / "events.jsonl").read_text())
    told = [event for event in events if event["event"] == "detection"]
    kept = [entry for entry in found if entry["kind"] == "detection"]
    assert [
        (entry["keyword"], entry["time_s"], entry["score"], entry["threshold"]) for entry in kept
    ] == [(event["keyword"], event["time_s"], event["score"], event["threshold"]) for event in told]
    (miss,) = [entry for entry in found if entry["kind"] == "near miss"]
    assert (miss["keyword"], miss["reason"], miss["threshold"]) == (
        *("left", "below threshold", 0.995),
    )
    assert 9.3 <= miss["time_s"] <= 9.6
    assert {entry["source"] for entry in found} == {str(demo_path)}
    assert {entry["model_sha256"] for entry in found} == {events[0]["model_sha256"]}
    assert len(found) == len(list((heard / "ledger").glob("*.flac"))) == 5


def test_it_says_that_it_keeps_and_records(heard: Path) -> None:
    assert (heard / "stderr").read_text().splitlines() == [
        f"kws: recording what the model hears to {heard / 'r.flac'}, at most 24 h",
        f"kws: keeping the audio of detections and near misses in {heard / 'ledger'}, "
        "for 30 days, at most 200 MB",
        f"kws: ledger: 4 detections and 1 near misses kept in {heard / 'ledger'}",
    ]


def test_the_clips_are_what_was_heard(heard: Path) -> None:
    recording, _ = soundfile.read(heard / "r.flac", dtype="int16")
    for entry in entries(heard / "ledger"):
        clip, rate_hz = soundfile.read(heard / "ledger" / entry["clip"], dtype="int16")
        end = round(entry["time_s"] * RATE_HZ)
        assert rate_hz == RATE_HZ
        np.testing.assert_array_equal(clip, recording[end - 24_000 : end])


def test_a_clip_and_the_recording_fire_again(heard: Path) -> None:
    replayed = run("--headless", "--json", "--input", heard / "r.flac")
    told = (heard / "events.jsonl").read_text()
    assert [item for item in detections(replayed.stdout) if item[0] != "left"] == detections(told)
    for entry in entries(heard / "ledger", "--kind", "detection"):
        clip = run("--headless", "--json", "--input", heard / "ledger" / entry["clip"])
        assert detections(clip.stdout) == [(entry["keyword"], 1.5)]


def test_label_list_and_export(ledger: Path, tmp_path: Path) -> None:
    yes, stop, left, right, no = (entry["id"] for entry in entries(ledger))
    assert run("ledger", "label", ledger, yes, left, "right").returncode == 0
    assert run("ledger", "label", ledger, stop, "wrong").returncode == 0
    assert run("ledger", "label", ledger, right, "=right").returncode == 0
    labels = {entry["id"]: entry["label"] for entry in entries(ledger)}
    assert labels == {yes: "right", left: "right", stop: "wrong", right: "=right", no: None}
    assert [entry["id"] for entry in entries(ledger, "--unlabelled")] == [no]
    out = tmp_path / "out"
    done = run("ledger", "export", ledger, out)
    assert done.stdout == f'corrections = "{out}"\n'
    assert sorted(path.parent.name for path in out.glob("*/*_nohash_*.flac")) == [
        *("_unknown_", "left", "right", "yes"),
    ]
    assert run("ledger", "export", ledger, out).stderr.startswith("kws: 0 new, 0 moved")
    unknown = run("ledger", "label", ledger, no, "yse")
    assert unknown.returncode == 2
    assert "did you mean 'yes'?" in unknown.stderr
    purged = run("ledger", "purge", ledger, "--all")
    assert purged.stdout == "removed 5 entries, 0 are left\n"
    assert list(ledger.glob("*.flac")) == []
    assert len(list(out.glob("*/*.flac"))) == 4


def test_review_with_a_pipe_and_with_nobody(ledger: Path) -> None:
    done = run("ledger", "review", ledger, data=b"r\nw\nq\n")
    assert done.returncode == 0
    assert "1 of 5: " in done.stdout
    assert done.stderr.splitlines()[-1] == "kws: 2 labelled, 3 left"
    assert [entry["label"] for entry in entries(ledger)][:3] == ["right", "wrong", None]
    for redirection in ("< /dev/null", "<&-"):
        quiet = subprocess.run(
            ["bash", "-c", f'"$@" {redirection}', "bash", *COMMAND, "ledger", "review", ledger],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(),
            timeout=60,
        )
        assert quiet.returncode == 0
        assert "Traceback" not in quiet.stderr
        assert quiet.stderr.splitlines()[-1] == "kws: 0 labelled, 3 left"


def test_review_in_a_terminal_ends_quietly_with_ctrl_c(ledger: Path) -> None:
    terminal, inside = pty.openpty()
    program = start("ledger", "review", ledger, stdin=inside)
    assert program.stdout is not None
    os.write(terminal, b"r\n")
    for _ in range(2):
        program.stdout.readline()
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=20)
    os.close(terminal)
    os.close(inside)
    assert program.returncode == 0
    assert b"Traceback" not in err
    assert [entry["label"] for entry in entries(ledger)] == ["right", None, None, None, None]


def test_a_signal_keeps_what_was_heard(tmp_path: Path, demo_path: Path) -> None:
    program = start(
        *("--headless", "--json", "--realtime", "--input", demo_path),
        *("--ledger", tmp_path / "ledger"),
    )
    assert program.stdout is not None
    program.stdout.readline()
    told = json.loads(program.stdout.readline())
    program.send_signal(signal.SIGTERM)
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=20)
    assert program.returncode == 0
    (entry,) = entries(tmp_path / "ledger")
    assert (entry["keyword"], entry["time_s"]) == (told["keyword"], told["time_s"])


def test_a_kill_leaves_a_ledger_that_goes_on(tmp_path: Path, demo_path: Path) -> None:
    folder = tmp_path / "ledger"
    arguments = ("--headless", "--json", "--input", demo_path, "--ledger", folder)
    for n_lines in (2, 3, 4):
        program = start(*arguments)
        assert program.stdout is not None
        for _ in range(n_lines):
            program.stdout.readline()
        program.kill()
        program.communicate(timeout=20)
    before = entries(folder)
    assert run(*arguments).returncode == 0
    after = entries(folder)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 5
    for entry in after:
        assert (folder / entry["clip"]).stat().st_size == entry["clip_bytes"]


def test_two_listen_for_one_ledger(tmp_path: Path, demo_path: Path) -> None:
    folder = tmp_path / "ledger"
    programs = [
        start("--headless", "--json", "--quiet", "--input", demo_path, "--ledger", folder)
        for _ in range(2)
    ]
    for program in programs:
        _, err = program.communicate(timeout=60)
        assert (program.returncode, err) == (0, b"")
    found = entries(folder)
    assert len({entry["id"] for entry in found}) == 10
    assert {entry["clip"] for entry in found} == {path.name for path in folder.glob("*.flac")}


def test_a_full_disk_is_one_line_and_status_1(tmp_path: Path, demo_path: Path) -> None:
    folder = tmp_path / "ledger"
    arguments = ("--headless", "--quiet", "--input", demo_path, "--ledger", folder)
    done = run(*arguments, most_file_bytes=10_000)
    assert (done.returncode, done.stderr) == (1, f"kws: ledger {folder}: File too large\n")
    assert entries(folder) == []
    assert list(folder.glob("*.flac*")) == []


def test_a_start_on_a_full_disk_listens_all_the_same(tmp_path: Path, demo_path: Path) -> None:
    """A service whose status says wrong arguments is not started again."""
    folder = tmp_path / "ledger"
    arguments = ("--headless", "--quiet", "--json", "--ledger", str(folder))
    pcm = soundfile.read(demo_path, dtype="int16")[0].tobytes()
    for source, data, more in (
        ("-", pcm, "; listening goes on, and it is tried again in 5 minutes"),
        (str(demo_path), b"", ""),  # it can be read again
    ):
        done = run(*arguments, "--input", source, data=data, most_file_bytes=20)
        line = f"kws: cannot keep a ledger in {folder}: File too large"
        said = done.stderr.splitlines()
        assert (done.returncode, said[0]) == (1, line + more)
        assert len(detections(done.stdout)) == (5 if data else 0)


def test_nothing_is_written_without_being_asked(
    tmp_path: Path, demo_path: Path, tiny_folder: Path
) -> None:
    done = subprocess.run(
        [*COMMAND, "--headless", "--input", demo_path, "--model", tiny_folder],
        capture_output=True,
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(ROOT)),
        timeout=60,
    )
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []
