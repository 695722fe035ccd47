"""python -m kws_app doctor: what is told, and the status by what keeps it from listening."""

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fake_sounddevice import FakeSounddevice
from tiny_model import make_model_folder

from engine.errors import ConfigError, DeviceError, KwsError, ModelError
from kws_app import doctor
from kws_app.command_line import exit_status
from kws_app.doctor import run


@pytest.fixture
def portaudio(monkeypatch: pytest.MonkeyPatch) -> FakeSounddevice:
    fake = FakeSounddevice()
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    monkeypatch.setattr(doctor, "_LISTEN_S", 0.5)
    return fake


@pytest.fixture
def level() -> list[float]:
    """Of what the microphone hears."""
    return [0.1]


@pytest.fixture
def speaking(portaudio: FakeSounddevice, level: list[float]) -> Iterator[None]:
    """The device that is opened delivers blocks until the test ends."""
    ended = threading.Event()

    def speak() -> None:
        while not ended.wait(0.02):
            for stream in portaudio.streams:
                if stream.is_started and not stream.is_closed:
                    stream.deliver(np.full(960, level[0]))

    thread = threading.Thread(target=speak)
    thread.start()
    yield
    ended.set()
    thread.join()


def findings(out: str) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for line in out.splitlines():
        finding = json.loads(line)
        said.setdefault(finding["what"], []).append(finding["text"])
    return said


@pytest.mark.usefixtures("speaking")
def test_a_machine_that_can_listen(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--json", "--backend", "cpu"])
    said = findings(capsys.readouterr().out)
    assert said["program"][0].startswith("kws ")
    assert "numpy " in said["libraries"][0]
    assert "cpu: can be used" in said["backend"]
    assert "cpu heard yes, stop, left, right, no in the bundled" in said["self-test"][0]
    assert said["device"][1] == ("2 USB Mic [ALSA], 1 channels, the default; takes 44100, 48000 Hz")
    (text,) = said["microphone"]
    # Its beginning overshoots a little in the resampler.
    assert text.startswith("USB Mic at 48000 Hz delivers audio, peak -")
    assert text[-5:-3] in (
        "20",
        "19",
    )


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[KwsError, list[str]]:
    """The error, and the lines that tell of one."""
    with pytest.raises(KwsError) as caught:
        run(arguments)
    lines = capsys.readouterr().out.splitlines()
    return caught.value, [line for line in lines if line.startswith("FAIL")]


@pytest.mark.usefixtures("portaudio")
def test_a_microphone_that_delivers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    err, (line,) = fails(["--device", "USB"], capsys)
    assert exit_status(err) == 3
    assert "'USB Mic' delivered no audio for 0.5 s" in line


@pytest.mark.usefixtures("speaking")
def test_a_microphone_that_is_muted(level: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    level[0] = 0.0
    err, (line,) = fails([], capsys)
    assert exit_status(err) == 3
    assert "'USB Mic' delivers silence only; it may be muted" in line


def test_no_microphone(portaudio: FakeSounddevice, capsys: pytest.CaptureFixture[str]) -> None:
    portaudio.devices = []
    err, (line,) = fails([], capsys)
    assert isinstance(err, DeviceError)
    assert "there is no input device" in line


@pytest.mark.usefixtures("speaking")
def test_a_broken_model_is_the_error_and_the_rest_is_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_model_folder(tmp_path / "broken")
    (folder / "model.onnx").write_bytes(b"nothing")
    err, (line,) = fails(["--model", str(folder)], capsys)
    assert isinstance(err, ModelError)
    assert exit_status(err) == 4
    assert line.startswith("FAIL  model")


@pytest.mark.usefixtures("speaking")
def test_a_model_of_ones_own_need_not_hear_our_words(
    tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--model", str(tiny_folder), "--backend", "cpu"])
    assert "in the bundled recording" in capsys.readouterr().out


@pytest.mark.usefixtures("speaking")
def test_a_shipped_model_that_does_not_hear_its_words_is_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "_SAID", ("yes", "marvin"))
    err, (line,) = fails(["--backend", "cpu"], capsys)
    assert isinstance(err, ModelError)
    assert "which says yes, marvin; install kws again" in line


@pytest.mark.usefixtures("speaking")
def test_a_temporary_folder_that_cannot_be_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "gone"))
    err, (line,) = fails(["--backend", "cpu"], capsys)
    assert "cannot be written to: No such file or directory; set TMPDIR" in line
    assert exit_status(err) == 1


def test_a_driver_that_hangs_is_told(
    portaudio: FakeSounddevice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("engine.audio.microphone.OPEN_S", 0.2)
    portaudio.answers.clear()
    began = time.monotonic()
    err, (line,) = fails(["--backend", "cpu"], capsys)
    portaudio.answers.set()
    assert time.monotonic() - began < 10
    assert exit_status(err) == 3
    assert "has not answered for 0.2 s" in line


@pytest.mark.usefixtures("speaking")
def test_it_looks_at_what_the_program_would_listen_with(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KWS_DEVCIE", "USB")
    with pytest.raises(ConfigError, match="KWS_DEVCIE"):
        run([])
    monkeypatch.delenv("KWS_DEVCIE")
    config = tmp_path / "service.toml"
    config.write_text(f"model = '{tmp_path}'\nfallback_device = 'Webcam'\n")
    with pytest.raises(ModelError, match="manifest"):
        run(["--json", "--config", str(config)])
    said = findings(capsys.readouterr().out)
    assert "manifest" in said["model"][0]
    assert said["microphone"][0].startswith("USB Mic")
    assert said["fallback"][0].startswith("Webcam Mic at 44100 Hz delivers audio")
    monkeypatch.setenv("KWS_DEVICE", "Bassoon")
    with pytest.raises(DeviceError, match="no input device is called 'Bassoon'"):
        run([])
    monkeypatch.delenv("KWS_DEVICE")
    with pytest.raises(ConfigError, match="yse"):
        run(["--keywords", "yse"])


def test_help_says_which_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run(["--help"])
    assert end.value.code == 0
    assert "variables and the file of --headless" in " ".join(capsys.readouterr().out.split())


HOOK = '[[action]]\nkeyword = "{}"\nwebhook = "http://127.0.0.1:1/{}"\n'


@pytest.mark.usefixtures("speaking")
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ('record = "{folder}/none/a.flac"', "--record: folder .*none does not exist"),
        ('record = "{folder}/a.mp3"', r"must end in .flac or .wav"),
        ('posteriors = "{folder}/none/a.npz"', "--posteriors: folder .*none does not exist"),
        ('health = "{folder}/kws.toml"', "is a file of something else"),
        ('actions = "on"\n' + HOOK.format("yse", ""), "'yse'"),
        ('actions = "on"\n[[action]]\nkeyword = "yes"\ncommand = ["no such"]', "no such"),
    ],
)
def test_what_headless_would_refuse(
    config: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kws.toml"
    file.write_text(config.format(folder=tmp_path))
    with pytest.raises(ConfigError, match=message):
        run(["--config", str(file)])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("FAIL")] == ["settings"]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("speaking")
@pytest.mark.parametrize(
    "setting", ["record = 'FOLDER/a.flac'", "health = 'FOLDER/h'", "ledger = 'FOLDER/far/heard'"]
)
def test_a_folder_that_cannot_be_written_to(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To root only what lies on a disk that is read only is one."""
    asked = []

    def access(path: Path, mode: int) -> bool:
        asked.append((path, mode))
        return False

    monkeypatch.setattr(doctor.os, "access", access)
    file = tmp_path / "kws.toml"
    file.write_text(setting.replace("FOLDER", str(tmp_path)))
    with pytest.raises(ConfigError, match=rf": {tmp_path} cannot be written to; name another"):
        run(["--config", str(file)])
    assert asked == [(tmp_path, os.W_OK | os.X_OK)]


@pytest.mark.usefixtures("speaking")
def test_what_is_written_is_told_and_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "kws.toml"
    names = {"record": "a.flac", "posteriors": "a.npz", "health": "h", "ledger": "far/heard"}
    lines = [f'{name} = "{tmp_path}/{path}"' for name, path in names.items()]
    file.write_text("\n".join([*lines, 'actions = "on"', HOOK.format("yes", "")]))
    run(["--json", "--config", str(file)])
    said = findings(capsys.readouterr().out)
    for name, path in names.items():
        assert said[name] == [f"{tmp_path}/{path} can be written"]
    assert said["actions"] == ["1 in the settings file; they are on"]
    assert list(tmp_path.iterdir()) == [file]


def test_a_recording_in_place_of_a_microphone(
    portaudio: FakeSounddevice, demo_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["--json", "--input", str(demo_path)])
    said = findings(capsys.readouterr().out)
    assert said["input"] == [f"{demo_path} at 16000 Hz can be read"]
    assert portaudio.streams == []
    assert not {"device", "microphone"} & set(said)
    run(["--json", "--input", "-"])
    assert findings(capsys.readouterr().out)["input"] == ["standard input; it is not read here"]
    with pytest.raises(KwsError, match=r"nowhere.flac"):
        run(["--input", "nowhere.flac"])


@pytest.mark.usefixtures("speaking")
def test_a_backend_that_is_not_there_is_no_matter(capsys: pytest.CaptureFixture[str]) -> None:
    run([])
    marks = {line.split()[2]: line.split()[0] for line in capsys.readouterr().out.splitlines()}
    assert (marks["cpu:"], marks["cuda:"]) == ("ok", "-")
