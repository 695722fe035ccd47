"""Kinds of values are named, values that may be secret are not."""

from datetime import date

import pytest

from engine.errors import ConfigError
from kws_app.actions.table import Table, kind_of


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "a truth"),
        (1, "a number"),
        (1.5, "a number"),
        ("a", "a text"),
        ([], "a list"),
        ({}, "a table"),
        (date(2026, 5, 4), "a date or time"),
    ],
)
def test_kinds(value: object, kind: str) -> None:
    assert kind_of(value) == kind


def test_an_unknown_key_gets_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"^here: key 'zzz' is unknown; it may have a, b$"):
        Table({"zzz": 1}, "here").only(("b", "a"), {})


def test_optional_text() -> None:
    assert Table({}, "here").optional_text("a", '"x"') is None
    with pytest.raises(ConfigError, match=r'^here: a has control characters; write .*"x"$'):
        Table({"a": "hush\n"}, "here").optional_text("a", '"x"')
