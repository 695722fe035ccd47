"""A wheel holds all that the program needs, and every dependency is pinned."""

import fnmatch
import re
import tomllib
from pathlib import Path

import pytest
from program import ROOT

from kws_app.resources import asset

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def test_every_package_is_listed() -> None:
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("engine", "kws_app", "training")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert set(SETUPTOOLS["packages"]) == found | {"kws_app.assets"}


@pytest.mark.parametrize("name", ["models/default", "icons/kws.svg", "kws.desktop"])
def test_every_asset_that_is_asked_for_is_carried_along(name: str) -> None:
    assert SETUPTOOLS["package-dir"] == {"kws_app.assets": "assets"}
    patterns = SETUPTOOLS["package-data"]["kws_app.assets"]
    path = asset(name)
    for file in [path] if path.is_file() else path.iterdir():
        relative = file.relative_to(ROOT / "assets").as_posix()
        assert any(fnmatch.fnmatch(relative, pattern) for pattern in patterns), relative


def test_the_command_is_the_module() -> None:
    assert PROJECT["project"]["scripts"] == {"kws": "kws_app.__main__:main"}


def test_every_dependency_is_pinned() -> None:
    pins = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"]]
    wanted += [item for items in extras.values() for item in items]
    names = {re.split(r"[\[<>=]", item)[0] for item in wanted} - {"kws"}
    assert names - pins == set()
    assert Path(ROOT / "constraints.txt").read_text().count("==") == len(pins)
