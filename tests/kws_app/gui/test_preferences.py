"""What is set in the window is in force, and in the file, and nothing else is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ConfigError
from kws_app.gui.preferences import Preferences
from kws_app.gui.window_state import WindowState
from kws_app.settings import Settings, read_command


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def reload(path: Path) -> Settings:
    """As the next start sees it, and as --config does."""
    settings = Preferences.load(path).settings
    assert read_command(["--config", str(path)], {}).settings == settings
    return settings


def test_without_a_file_the_defaults(path: Path) -> None:
    preferences = Preferences.load(path)
    assert preferences.settings == Settings()
    assert preferences.window == WindowState()
    assert preferences.problem is None
    assert preferences.save() is None
    assert not path.exists()


def test_flag_beats_environment_beats_file_beats_default(path: Path) -> None:
    path.write_text("smoothing = 2\nrefractory = 1\nduration = 3\n")
    given = read_command(["--smoothing", "4"], {"KWS_REFRACTORY": "2", "KWS_SMOOTHING": "3"}).given
    got = Preferences.load(path, given).settings
    assert (got.smoothing, got.refractory, got.duration, got.rate) == (4, 2.0, 3.0, None)


def test_a_change_is_in_force_at_once_and_kept(path: Path) -> None:
    preferences = Preferences.load(path, {"smoothing": 4})
    got = preferences.update(
        {"smoothing": 5, "threshold": {"yes": 0.8}, "keywords": ("yes", "no"), "ledger": Path("l")}
    )
    assert got is preferences.settings
    assert (got.smoothing, got.threshold, got.keywords) == (5, {"yes": 0.8}, ("yes", "no"))
    assert not path.exists()
    assert preferences.save() is None
    assert reload(path) == got
    assert Preferences.load(path, {"smoothing": 4}).settings.smoothing == 4  # a flag still wins


def test_no_flag_gets_into_the_file(path: Path) -> None:
    preferences = Preferences.load(path, {"smoothing": 4, "threshold": {"yes": 0.8, "up": 0.6}})
    preferences.update({"smoothing": 4, "threshold": {"yes": 0.8, "no": 0.9}, "quiet": True})
    preferences.save()
    assert reload(path) == Settings(threshold={"no": 0.9}, quiet=True)


def test_all_settings_at_once_write_what_has_changed(path: Path) -> None:
    path.write_text('device = "USB"\nsmoothing = 2\n')
    preferences = Preferences.load(path, {"input": "a.wav", "rate": 8_000})
    assert preferences.settings.device is None
    preferences.update(vars(replace(preferences.settings, refractory=0.5)))
    preferences.save()
    assert reload(path) == Settings(device="USB", smoothing=2, refractory=0.5)
    preferences.update(vars(replace(preferences.settings, input=None, device="B", smoothing=None)))
    preferences.save()
    assert reload(path) == Settings(device="B", refractory=0.5)


def test_none_is_the_default_again(path: Path) -> None:
    path.write_text("smoothing = 2\nrefractory = 1\n[threshold]\nyes = 0.8\n")
    preferences = Preferences.load(path, {"smoothing": 4})
    got = preferences.update({"smoothing": None, "threshold": None})
    assert got == Settings(refractory=1.0)
    preferences.save()
    assert reload(path) == Settings(refractory=1.0)
    preferences.update({"threshold": {"no": 0.7}})
    preferences.update({"threshold": {}})
    preferences.update({"threshold": {"up": 0.7}})
    preferences.save()
    assert reload(path).threshold == {"up": 0.7}
    for threshold in ({"up": 0.6}, None, {"up": 0.5}):
        preferences.update({"threshold": threshold})
    preferences.save()
    assert reload(path).threshold == {"up": 0.5}


def test_a_new_source_replaces_the_old_one(path: Path) -> None:
    path.write_text('input = "a.wav"\nrealtime = true\n')
    preferences = Preferences.load(path)
    assert preferences.update({"device": "USB"}).input is None
    preferences.save()
    assert reload(path) == Settings(device="USB")
    preferences.update({"input": "b.wav", "realtime": True})
    preferences.save()
    assert reload(path) == Settings(input="b.wav", realtime=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"smothing": 1}, r"setting 'smothing' is unknown \(did you mean 'smoothing'\?\)"),
        ({"smothing": None}, "setting 'smothing' is unknown"),
        ({"window": {}}, "setting 'window' is unknown"),
        ({"smoothing": 5, "near_miss": 3.0}, "near_miss is 3.0; it must be above 0"),
        ({"smoothing": 5, "device": "a", "input": "b"}, "exclude each other"),
        ({"smoothing": "x"}, "smoothing is 'x'; it must be a whole number"),
    ],
)
def test_what_cannot_work_changes_nothing(path: Path, values: dict[str, Any], message: str) -> None:
    preferences = Preferences.load(path)
    with pytest.raises(ConfigError, match=message):
        preferences.update(values)
    assert preferences.settings == Settings()
    preferences.save()
    assert not path.exists()


def test_the_window(path: Path) -> None:
    preferences = Preferences.load(path)
    state = preferences.update_window(theme="dark", splitter_px=(3, 4))
    assert state == WindowState(theme="dark", splitter_px=(3, 4)) == preferences.window
    with pytest.raises(ConfigError, match=r"window.theme is 'blue'"):
        preferences.update_window(theme="blue")
    assert preferences.window == state
    preferences.save()
    assert path.read_text().endswith('[window]\ntheme = "dark"\nsplitter_px = [3, 4]\n')
    assert Preferences.load(path).window == state
    assert reload(path) == Settings()


def test_what_somebody_else_changed_meanwhile_stays(path: Path) -> None:
    path.write_text("smoothing = 2\n[threshold]\nyes = 0.8\nno = 0.8\n")
    preferences = Preferences.load(path)
    preferences.update({"threshold": {"yes": 0.7, "no": 0.8}})
    path.write_text("smoothing = 3\nrefractory = 2\n[threshold]\nyes = 0.5\nno = 0.5\nup = 0.5\n")
    assert preferences.save() is None
    assert reload(path) == Settings(
        smoothing=3, refractory=2.0, threshold={"yes": 0.7, "no": 0.5, "up": 0.5}
    )
    assert preferences.settings.smoothing == 2  # until the next start


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smoothing = ", "is not valid TOML"),
        ("smothing = 1", "setting 'smothing' is unknown"),
        ("near_miss = 2.0", "settings.toml: near_miss is 2.0; it must be above 0"),
        ("[window]\ntheme = 'blue'", "window.theme is 'blue'; it must be one of"),
        ("window = 3", "window must be a table"),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("smoothing = " + "9" * 5_000, "is not valid TOML"),
    ],
)
def test_a_damaged_file_is_said_and_never_overwritten(
    path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path.write_text(text)
    preferences = Preferences.load(path, {"rate": 8_000})
    said = capsys.readouterr().err
    assert preferences.problem is not None
    assert said == f"kws: {preferences.problem}\n"
    assert message in said
    assert said.endswith("; the window starts with its defaults: mend or remove the file\n")
    assert (preferences.settings, preferences.window) == (Settings(rate=8_000), WindowState())
    preferences.update({"smoothing": 5})
    problem = preferences.save()
    assert problem is not None
    assert problem.startswith("settings are not saved: ")
    assert path.read_text() == text
    path.write_text("rate = 44100\n")  # mended
    assert preferences.save() is None
    assert preferences.problem is None
    assert reload(path) == Settings(rate=44_100, smoothing=5)


def test_a_failure_to_save_is_said_once_and_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "folder" / "settings.toml"
    preferences = Preferences.load(path)
    preferences.update({"smoothing": 5})
    (tmp_path / "folder").touch()
    first = preferences.save()
    assert (
        first
        == preferences.save()
        == f"settings are not saved: cannot read {path}: Not a directory"
    )
    assert capsys.readouterr().err == f"kws: {first}\n"
    (tmp_path / "folder").unlink()
    assert preferences.save() is None
    assert reload(path) == Settings(smoothing=5)


def test_what_was_saved_is_not_saved_again(path: Path) -> None:
    preferences = Preferences.load(path)
    preferences.update({"smoothing": 5})
    preferences.save()
    path.write_text("smoothing = 6\n")  # by hand
    preferences.update({"refractory": 1.0})
    preferences.save()
    assert reload(path) == Settings(smoothing=6, refractory=1.0)


def test_a_name_that_is_no_text_is_in_force_and_not_saved(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preferences = Preferences.load(path)
    odd = path.with_name("caf\udce9")
    preferences.update({"input": str(odd), "smoothing": 2})
    preferences.update_window(recent_models=(str(odd),))
    problem = preferences.save()
    assert problem is not None
    assert problem.startswith("not saved: input, window.recent_models; a file's name")
    assert problem in capsys.readouterr().err
    assert preferences.settings.input == str(odd)
    assert reload(path) == Settings(smoothing=2)
    preferences.update({"smoothing": 3})
    assert preferences.save() is None
    assert reload(path).smoothing == 3


def test_what_was_chosen_after_a_setting_was_left_out_is_kept(path: Path) -> None:
    path.write_text("smoothing = 200\n[threshold]\ngone = 0.5\nlow = 0.6\n")
    preferences = Preferences.load(path)
    assert preferences.leave_out("threshold", {"low": 0.6})
    assert preferences.leave_out("smoothing")
    preferences.update({"threshold": {"low": 0.7}, "smoothing": 4})
    preferences.settle("threshold", "smoothing", "model")
    preferences.update({"threshold": {"low": 0.7, "high": 0.8}})
    preferences.save()
    assert (reload(path).threshold, reload(path).smoothing) == ({"low": 0.7, "high": 0.8}, 4)
