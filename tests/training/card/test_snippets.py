"""Every snippet of a generated card runs as it stands."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
from card_world import World
from program import ROOT, environment
from signals import silence, tone

from engine.manifest import load_manifest
from training.card.document import Code
from training.card.snippets import shown_place, snippets


def fenced(card: Path) -> list[tuple[str, str]]:
    return re.findall(r"^```(\w+)\n(.*?)^```$", card.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def place(world: World) -> Path:
    """The folder that the model folder lies in, with the recordings that the snippets name."""
    samples = np.concatenate([silence(1.2), tone(700, 0.5), silence(1.0), tone(2_000, 0.5)])
    soundfile.write(world.folder / "speech.wav", samples, 16_000)
    (world.folder / "speech.raw").write_bytes((samples * 32_767).astype("<i2").tobytes())
    return world.folder


def variables() -> Mapping[str, str]:
    here = Path(sys.executable).parent
    return environment(PYTHONPATH=str(ROOT), PATH=f"{here}{os.pathsep}{os.environ['PATH']}")


def test_a_card_has_snippets_for_files_arrays_and_streams(world: World) -> None:
    languages = [language for language, _ in fenced(world.card)]
    assert languages == ["sh", "sh", "sh", "python", "python", "python"]
    text = world.card.read_text()
    for title in ("A file, command line", "A stream, Python", "A file as an array, Python"):
        assert f"### {title}" in text


def test_the_programs_run(world: World, place: Path) -> None:
    for language, code in fenced(world.card):
        if language == "python":
            done = subprocess.run(
                [sys.executable, "-W", "error", "-c", code],
                capture_output=True,
                text=True,
                cwd=place,
                env=variables(),
            )
            assert (done.returncode, done.stderr) == (0, ""), code
            if "argmax" in code:
                assert re.fullmatch(r"(_silence_|_unknown_|no|yes) 0\.\d+\n", done.stdout)


def test_the_commands_run(world: World, place: Path) -> None:
    for language, code in fenced(world.card):
        if language == "sh":
            done = subprocess.run(
                ["bash", "-euc", code], capture_output=True, text=True, cwd=place, env=variables()
            )
            # A microphone needs one: 3 says that there is none.
            allowed = (0,) if "--input" in code else (0, 3)
            assert done.returncode in allowed, (code, done.stderr)


def test_a_model_that_normalises_by_itself_is_fed_otherwise(own_tiny_folder: Path) -> None:
    from tiny_model import edit_manifest

    def code() -> str:
        blocks = [b for section in snippets(load_manifest(own_tiny_folder)) for b in section.blocks]
        return "".join(block.text for block in blocks if isinstance(block, Code))

    assert "features = model_input(fbank(" in code()
    edit_manifest(own_tiny_folder, lambda data: data.update(normalization="inside"))
    assert "features = pad_log_mel(fbank(" in code()


def test_nobodys_machine_is_shown(own_tiny_folder: Path, default_folder: Path) -> None:
    assert shown_place(own_tiny_folder) == "model"
    assert shown_place(default_folder) == "assets/models/default"
