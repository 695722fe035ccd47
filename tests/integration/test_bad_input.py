"""Bad input gets one clear line and the documented status, never a traceback."""

import ctypes.util
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from program import run
from tiny_model import edit_manifest, make_model_folder

TOO_LONG = "x" * 300


def refused(
    status: int, message: str, *arguments: str | Path, data: bytes | None = None, **more: str
) -> None:
    done = run("--headless", *arguments, data=data, **more)
    assert done.returncode == status, done.stderr
    # What was heard before a failure is told as well.
    told = ("kws: listening to", "kws: failed: ")
    lines = [line for line in done.stderr.splitlines() if not line.startswith(told)]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("kws: ")
    assert re.search(message, lines[0]), lines[0]
    assert done.stdout == ""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_model_folder(tmp_path / "model")


def write_text(path: Path) -> None:
    path.write_text("no sound\n" * 100)


def write_nothing(path: Path) -> None:
    path.touch()


def write_no_channels(path: Path) -> None:
    data = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 0, 16_000, 0, 0, 16) + b"data\0\0\0\0"
    path.write_bytes(b"RIFF" + struct.pack("<I", len(data)) + data)


def write_nan(path: Path) -> None:
    soundfile.write(path, np.full(8_000, np.nan, np.float32), 16_000, subtype="FLOAT")


def make_folder(path: Path) -> None:
    path.mkdir()


def leave_out(path: Path) -> None:
    assert not path.exists()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (leave_out, "no such file: .*input.wav"),
        (make_folder, "is a folder; name a sound file"),
        (write_text, "cannot read .*input.wav as a sound file"),
        (write_nothing, "cannot read .*input.wav as a sound file"),
        (write_no_channels, "cannot read .*input.wav as a sound file"),
        (write_nan, "holds the sample nan at frame 0"),
    ],
)
def test_sound_files(
    tmp_path: Path, model: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "input.wav"
    make(path)
    refused(1, message, "--input", path, "--model", model)


def test_a_damaged_flac_fails_while_running(tmp_path: Path, model: Path, demo_path: Path) -> None:
    data = bytearray(demo_path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3_000] = b"\xff" * 3_000
    path = tmp_path / "damaged.flac"
    path.write_bytes(data)
    refused(1, "damaged.flac is damaged", "--input", path, "--model", model)


def test_standard_input(model: Path) -> None:
    refused(1, "standard input holds no audio", "--input", "-", "--model", model, data=b"")
    refused(2, "channels is 0; it must be above 0", "--input", "-", "--channels", "0", data=b"")
    refused(2, "--channels is 65; it must be 1 to 64", "--input", "-", "--channels", "65", data=b"")
    refused(2, "--rate is 10; it must be 1000 to", "--input", "-", "--rate", "10", data=b"")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "maybe=0.5"], "'maybe' is not a keyword of model 'tiny'"),
        (["--threshold", "low=1.5"], "threshold of 'low' is 1.5; it must be above 0"),
        (["--threshold", "low=-1"], "threshold of 'low' is -1.0; it must be above 0"),
        (["--threshold", "low"], "'low' is not KEYWORD=VALUE"),
        (["--keywords", "lwo"], r"'lwo' is not a keyword .*did you mean 'low'"),
        (["--smoothing", "0"], "smoothing is 0 windows; it must be 1 to 100"),
        (["--backend", "tensorrt"], "--backend tensorrt: tensorrt is not installed; docs"),
        (["--backend", "tpu"], "backend 'tpu' is unknown; choose one of auto"),
        (["--nonsense"], "unknown argument '--nonsense'"),
        (["--config", "nowhere.toml"], "cannot read nowhere.toml: No such file"),
        (["--posteriors", "nowhere/p.npz"], "folder nowhere does not exist"),
        (["--posteriors", "/proc/p.npz"], "cannot write --posteriors /proc/p.npz"),
        (["--posteriors", "p.csv"], "its name must end in .npz"),
        (["--record", "nowhere/r.flac"], "folder nowhere does not exist"),
        (["--record", "/proc/r.flac"], "cannot write --record /proc/r.flac"),
        (["--record", "r.mp3"], "its name must end in .flac or .wav"),
        (["--record", "assets/demo.flac"], "is the file that is read; name another one"),
        (["--record", f"{TOO_LONG}.flac"], "cannot write --record x+.flac: File name too long"),
        (["--record", f"{TOO_LONG}/r.flac"], "--record: cannot look at folder x+: File name too"),
        (["--posteriors", f"{TOO_LONG}/p.npz"], "--posteriors: cannot look at folder x+: File"),
        (["--health", f"{TOO_LONG}/h"], "--health: cannot look at folder x+: File name too long"),
        (["--ledger", "nowhere/ledger"], "cannot keep a ledger in nowhere/ledger: No such file"),
        (["--ledger", "/proc/ledger"], "cannot keep a ledger in /proc/ledger"),
        (["--ledger", "assets"], "assets is no ledger, and not empty: it holds demo.flac"),
    ],
)
def test_arguments(model: Path, demo_path: Path, arguments: list[str], message: str) -> None:
    refused(2, message, "--input", demo_path, "--model", model, *arguments)


def test_a_machine_without_a_display_gets_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nowhere")
    done = run()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "or listen without a window: add --headless" in done.stderr


def without_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def without_onnx(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def with_wrong_hash(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")


def with_wrong_fingerprint(folder: Path) -> None:
    edit_manifest(folder, lambda data: data["fbank"].update(mean=-1.0))


def with_other_shapes(folder: Path) -> None:
    make_model_folder(folder, n_frames=128)


def with_broken_json(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


@pytest.mark.parametrize(
    ("break_model", "message"),
    [
        (without_manifest, "cannot read .*manifest.json: No such file"),
        (without_onnx, "cannot read .*model.onnx: No such file.*; the manifest names it"),
        (with_wrong_hash, "model.onnx has SHA-256 .* was altered or cut short"),
        (with_wrong_fingerprint, "the features were changed after training"),
        (with_other_shapes, r"has fbank .*128, 128\]; its manifest wants fbank .*98, 128\]"),
        (with_broken_json, "is not valid JSON"),
    ],
)
def test_models(
    model: Path, demo_path: Path, break_model: Callable[[Path], None], message: str
) -> None:
    break_model(model)
    refused(4, message, "--input", demo_path, "--model", model)


def test_a_model_whose_name_is_too_long(demo_path: Path) -> None:
    refused(4, "cannot read x+/manifest.json: File name", "--input", demo_path, "--model", TOO_LONG)


def test_an_unknown_device(model: Path) -> None:
    has_portaudio = ctypes.util.find_library("portaudio") is not None
    message = "no input device" if has_portaudio else "PortAudio is missing.*apt-get install"
    refused(3, message, "--device", "bassoon", "--model", model)


def test_a_failure_before_any_audio_is_one_line(tmp_path: Path, model: Path) -> None:
    done = run("--headless", "--input", tmp_path / "nowhere.wav", "--model", model)
    assert done.stderr.count("\n") == 1


def test_failures_keep_json_lines_whole(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "input.wav"
    samples = np.zeros(32_000, np.float32)
    samples[-1] = np.inf
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    done = run("--headless", "--json", "--input", path, "--model", model)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert '"event": "start"' in done.stdout.splitlines()[0]
    assert '"reason": "failed"' in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "[" * 100_000, "is not valid TOML: brackets are nested too deeply"),
        ("a." * 100_000 + "a = 1", "the name in line 1 has more than 20 parts"),
        ("smoothing = " + "9" * 5_000, "is not valid TOML"),
        ("refractory = 1e308", "refractory is 1e.308; it must be 0 to 3600 seconds"),
        ('ledger = "a\\u0000b"', "it must be a path without zero bytes"),
    ],
)
def test_a_settings_file_made_to_break_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kws.toml"
    path.write_text(text)
    refused(2, message, "--config", path)
