"""One flag for each setting, each in its group."""

from dataclasses import fields

import pytest

from engine.errors import ConfigError
from kws_app.flags import make_parser
from kws_app.settings import Settings


def test_every_setting_is_a_flag_with_help() -> None:
    text = make_parser(fields(Settings), {"dance": "move a bit"}).format_help()
    for item in fields(Settings):
        assert f"--{item.name.replace('_', '-')}" in text
    assert "--dance" in text
    assert "move a bit" in text
    assert "what is heard:" in text


def test_kinds_of_flags() -> None:
    parser = make_parser(fields(Settings), {})
    got = parser.parse_args(["-vv", "-q", "--json", "--threshold", "a=1", "--threshold", "b=1"])
    assert (got.verbose, got.quiet, got.json, got.threshold) == (2, True, True, ["a=1", "b=1"])
    assert got.smoothing is None
    with pytest.raises(ConfigError, match="expected one argument"):
        parser.parse_args(["--smoothing"])
