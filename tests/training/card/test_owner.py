"""Only known keys with values of their kind are the owner's statements."""

from dataclasses import fields
from pathlib import Path

import pytest
from program import ROOT

from engine.errors import ConfigError
from training.card.owner import Owner, read_owner


def test_what_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "o.toml"
    path.write_text('licence = "MIT"\nwatts = 35\n')
    assert read_owner(path) == Owner(licence="MIT", watts=35.0)
    path.write_text("")
    assert read_owner(path) == Owner()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('license = "MIT"', r"unknown key 'license'; did you mean 'licence'\?"),
        ("watts = 'many'", "watts is 'many'; it must be a number"),
        ("watts = 0", "watts is 0; it must be above 0 and at most 1e"),
        ("kg_per_kwh = 400", "kg_per_kwh is 400; it must be above 0 and at most 10"),
        ("kg_per_kwh = nan", "kg_per_kwh is nan; it must be"),
        ("owner", "is not valid TOML"),
        ("[owner]\nname = 'x'", "owner is {'name': 'x'}; it must be text"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "o.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_owner(path)


def test_a_missing_file_tells_the_keys(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*gone: No such.* any of licence, owner, "):
        read_owner(tmp_path / "gone")


def test_the_documented_file_is_one_and_every_key_is_documented(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "training.md").read_text()
    example = text[text.index('```\nlicence = "') + 4 :].partition("```")[0]
    (tmp_path / "o.toml").write_text(example)
    assert read_owner(tmp_path / "o.toml").watts == 65
    assert [field.name for field in fields(Owner) if field.name not in example] == []
