"""A settings file that does not fit any more keeps nobody from seeing the window."""

from pathlib import Path

import pytest

from engine.errors import ConfigError, ModelError
from kws_app.gui.first_session import first_session
from kws_app.gui.preferences import Preferences
from kws_app.settings import Settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def test_a_file_that_fits_is_used(file: Path, tiny_folder: Path) -> None:
    file.write_text(f'model = "{tiny_folder}"\nsmoothing = 2\n')
    session, told = first_session(Preferences.load(file))
    assert told == []
    assert session.decision.smoothing_windows == 2
    assert session.manifest.folder == tiny_folder


def test_a_model_that_has_gone(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f'# mine\nmodel = "{tmp_path / "gone"}"\nrefractory = 2.0\n'
    file.write_text(text)
    preferences = Preferences.load(file)
    session, (told,) = first_session(preferences)
    assert session.manifest.folder == Settings().model
    assert session.settings.refractory == 2.0
    assert told.startswith(f"model = {tmp_path / 'gone'} in {file} is not used: ")
    assert told in capsys.readouterr().err
    preferences.update({**vars(session.settings), "smoothing": 3})
    preferences.save()
    assert "gone" in file.read_text()  # nobody has chosen yet: it may come back
    preferences.settle("model")
    preferences.save()
    assert file.read_text() == "# mine\nrefractory = 2.0\nsmoothing = 3\n"


def test_words_that_the_model_does_not_have(file: Path, tiny_folder: Path) -> None:
    file.write_text(
        f'model = "{tiny_folder}"\nkeywords = ["low", "gone"]\nsmoothing = 200\n'
        "[threshold]\nlow = 0.7\ngone = 0.5\n"
    )
    before = file.read_bytes()
    session, told = first_session(Preferences.load(file))
    assert [line.partition(" = ")[0] for line in told] == ["keywords", "threshold", "smoothing"]
    assert "'gone' is not a keyword" in told[0]
    points = session.decision.operating_points
    assert {word: point.threshold for word, point in points.items()} == {"low": 0.7}
    assert session.decision.smoothing_windows != 200
    assert file.read_bytes() == before


def test_flags_stay_strict(file: Path, tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(ModelError):
        first_session(Preferences.load(file, {"model": tmp_path / "gone"}))
    with pytest.raises(ConfigError, match="'gone' is not a keyword"):
        first_session(Preferences.load(file, {"model": tiny_folder, "keywords": ("gone",)}))
