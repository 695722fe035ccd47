"""Actions as a person uses them: from the settings file, with the program that ships."""

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import soundfile
from actions import PATIENCE_S, wait_until, web_server
from processes import SLEEPER, is_alive
from program import detections, run, start
from signals import tone_stream


@pytest.fixture
def tones(tmp_path: Path) -> Path:
    """A recording in which the tiny model hears its two keywords."""
    path = tmp_path / "tones.wav"
    soundfile.write(path, tone_stream(), 16_000)
    return path


def listen(config: Path, tones: Path, model: Path, *more: str, **variables: str) -> Any:
    arguments = ("--headless", "--json", "--input", tones, "--model", model, "--config", config)
    return run(*arguments, *more, **variables)


def test_off_unless_asked(tmp_path: Path, tiny_folder: Path, tones: Path) -> None:
    config, made = tmp_path / "kws.toml", tmp_path / "made"
    config.write_text(f'[[action]]\nkeyword = "*"\ncommand = ["touch", "{made}"]\n')
    off = listen(config, tones, tiny_folder)
    assert (off.returncode, off.stderr) == (
        0,
        "kws: actions are off (1 in the settings file): --actions on does them, "
        "--actions dry-run only says what it would do\n",
    )
    assert listen(config, tones, tiny_folder, "--quiet").stderr == ""
    dry = listen(config, tones, tiny_folder, KWS_ACTIONS="dry-run")
    assert f"command touch {made}: dry run\n" in dry.stderr
    assert not made.exists()
    on = listen(config, tones, tiny_folder, "--actions", "on", KWS_ACTIONS="dry-run")
    assert f"command touch {made}: exit status 0\n" in on.stderr
    assert made.exists()
    assert detections(on.stdout) == detections(off.stdout) != []


def test_a_webhook_gets_what_the_json_lines_say(
    tmp_path: Path, tiny_folder: Path, tones: Path
) -> None:
    config = tmp_path / "kws.toml"
    with web_server() as server:
        config.write_text(
            'actions = "on"\n[[action]]\nkeyword = "*"\ncooldown_s = 0\n'
            f'webhook = "http://{server.address}/x"\n'
        )
        done = listen(config, tones, tiny_folder)
        heard = [json.loads(line) for line in done.stdout.splitlines()]
        expected = [
            {name: line[name] for name in ("keyword", "score", "time_s", "threshold")}
            for line in heard
            if line["event"] == "detection"
        ]
        assert expected
        got = [request["body"] for request in server.requests]
        assert sorted(got, key=str) == sorted(expected, key=str)


def test_a_mistake_ends_it_before_anything_is_heard(
    tmp_path: Path, tiny_folder: Path, tones: Path
) -> None:
    config = tmp_path / "kws.toml"
    config.write_text('actions = "on"\n[[action]]\nkeyword = "hihg"\ncommand = ["true"]\n')
    done = listen(config, tones, tiny_folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"kws: {config}, action 1: 'hihg' is not a keyword of model 'tiny' (did you mean 'high'?); "
        "its keywords: low, high\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_under_way(
    tmp_path: Path, tiny_folder: Path, number: signal.Signals
) -> None:
    config, pids = tmp_path / "kws.toml", tmp_path / "pids"
    pids.mkdir()
    config.write_text(
        'actions = "on"\n[[action]]\nkeyword = "*"\ncooldown_s = 0\ntimeout_s = 600\n'
        f"command = ['python3', '-c', '''{SLEEPER}''', '{pids}', 'deaf']\n"
    )
    program = start(
        *("--headless", "--json", "--input", "-", "--model", tiny_folder, "--config", config),
        stdin=subprocess.PIPE,
    )
    assert program.stdin is not None
    program.stdin.write((tone_stream() * 32_767).astype("<i2").tobytes())
    program.stdin.flush()
    wait_until(lambda: list(pids.iterdir()))
    program.send_signal(number)
    program.send_signal(number)
    program.wait(timeout=PATIENCE_S)
    out, err = program.communicate()
    assert program.returncode == 0
    assert json.loads(out.splitlines()[-1])["reason"] == "interrupted"
    assert b": ended, since listening stopped\n" in err
    wait_until(lambda: not any(is_alive(int(path.name)) for path in pids.iterdir()))
