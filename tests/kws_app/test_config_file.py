"""One file holds settings and actions."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from kws_app.actions.action import Program
from kws_app.config_file import read_config_file

KNOWN = ("actions", "smoothing")


def test_settings_and_actions_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text(
        'actions = "on"\nsmoothing = 2\n[[action]]\nkeyword = "stop"\ncommand = ["true"]\n'
    )
    config = read_config_file(path, KNOWN)
    assert config.settings == {"actions": "on", "smoothing": 2}
    assert [action.deed for action in config.actions] == [Program(arguments=("true",))]
    assert config.actions[0].place == f"{path}, action 1"


def test_a_file_without_actions(tmp_path: Path) -> None:
    path = tmp_path / "kws.toml"
    path.write_text("smoothing = 2")
    assert read_config_file(path, KNOWN).actions == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[actoin]]\n", r"setting 'actoin' is unknown \(did you mean 'action'\?\)"),
        ('[[actions]]\nkeyword = "x"', r"actions is a list; .* tables are headed \[\[action\]\]"),
        ("[actions]\nx = 1", r"actions is a table; .* tables are headed \[\[action\]\]"),
        ("actions = true", "actions is true; it must be one of off, dry-run, on, in quotes"),
        ('action = "on"', r"action is a text; it must be tables .* the switch is actions = 'on'"),
        ("smoothing = ", "is not valid TOML"),
    ],
)
def test_mistakes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "kws.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_config_file(path, KNOWN)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ConfigError, match=r"cannot read nowhere.toml: No such file"):
        read_config_file(Path("nowhere.toml"), KNOWN)
