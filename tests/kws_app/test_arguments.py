"""Mistakes on the command line are one error, with a suggestion where there is one."""

import pytest

from engine.errors import ConfigError
from kws_app.arguments import Parser, hint


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
