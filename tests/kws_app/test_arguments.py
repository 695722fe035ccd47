"""Mistakes on the command line are one error, with a suggestion where there is one."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from kws_app.arguments import Parser, hint, require_folder


def test_a_mistake_is_a_config_error_and_no_exit() -> None:
    parser = Parser(prog="x")
    parser.add_subparsers(required=True, metavar="COMMAND").add_parser("list")
    with pytest.raises(ConfigError, match="required: COMMAND; --help lists the flags"):
        parser.parse_args([])
    with pytest.raises(ConfigError, match="unrecognized arguments: --x; --help"):
        parser.parse_args(["list", "--x"])


def test_hints() -> None:
    assert hint("yse", ["no", "yes"]) == " (did you mean 'yes'?)"
    assert hint("marvin", ["no", "yes"]) == ""


def test_folders_to_write_to(tmp_path: Path) -> None:
    require_folder("--record", tmp_path)
    (tmp_path / "file").touch()
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(ConfigError, match=r"^--record: folder .* does not exist"):
            require_folder("--record", path)
    with pytest.raises(ConfigError, match=r"--record: cannot look at folder .*: File name"):
        require_folder("--record", tmp_path / ("x" * 300))
