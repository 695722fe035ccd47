"""Fixtures for all tests."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import configuration, settings
from program import kill_what_runs
from tiny_model import make_model_folder

from engine.manifest import ModelManifest, load_manifest

ROOT = Path(__file__).parent.parent

# The same examples on every machine, and nothing of theirs beside the tests.
configuration.set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "kws-hypothesis")
settings.register_profile("kws", database=None, derandomize=True, deadline=None, max_examples=60)
settings.load_profile("kws")


@pytest.fixture(autouse=True)
def no_program_outlives_its_test() -> Iterator[None]:
    yield
    kill_what_runs()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model; read only."""
    return make_model_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> ModelManifest:
    """Labels: _silence_, _unknown_, low, high."""
    return load_manifest(tiny_folder)


@pytest.fixture
def own_tiny_folder(tmp_path: Path) -> Path:
    """A tiny model that the test may break."""
    return make_model_folder(tmp_path / "model")


@pytest.fixture(scope="session")
def default_folder() -> Path:
    """The model that ships."""
    return ROOT / "assets" / "models" / "default"


@pytest.fixture(scope="session")
def demo_path() -> Path:
    """The bundled recording."""
    return ROOT / "assets" / "demo.flac"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings, which are not part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if not (folder / "speech_commands.csv").exists():
        pytest.skip("the folder of real recordings is not on this machine")
    return folder
