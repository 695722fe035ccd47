"""A wheel holds all that the program needs, and every dependency is pinned."""

import fnmatch
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version
from program import ROOT

from kws_app import doctor
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


@pytest.mark.parametrize("name", ["models/default", "icons/kws.svg", "kws.desktop", "kws.service"])
def test_every_asset_that_is_asked_for_is_carried_along(name: str) -> None:
    assert SETUPTOOLS["package-dir"] == {"kws_app.assets": "assets"}
    patterns = SETUPTOOLS["package-data"]["kws_app.assets"]
    path = asset(name)
    for file in [path] if path.is_file() else path.iterdir():
        relative = file.relative_to(ROOT / "assets").as_posix()
        assert any(fnmatch.fnmatch(relative, pattern) for pattern in patterns), relative


def test_the_command_is_the_module() -> None:
    assert PROJECT["project"]["scripts"] == {"kws": "kws_app.__main__:start"}


def test_the_doctor_names_every_library_that_a_person_may_have() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    needed = [*PROJECT["project"]["dependencies"], *extras["gui"], *extras["actions"]]
    assert {Requirement(text).name for text in needed} <= set(doctor._PACKAGES)


def test_every_dependency_is_pinned() -> None:
    pins = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"]]
    wanted += [item for items in extras.values() for item in items]
    names = {re.split(r"[\[<>=]", item)[0] for item in wanted} - {"kws"}
    assert names - pins == set()
    assert Path(ROOT / "constraints.txt").read_text().count("==") == len(pins)


# The first version in which a hole is mended, the hole, and what it would do to this program.
FLOORS = [
    ("torch", "2.6.0", "CVE-2025-32434", "a .pth runs code although weights_only=True"),
    ("torch", "2.10.0", "CVE-2026-24747", "a .pth runs code, likewise"),
    ("onnx", "1.21.0", "CVE-2025-51480", "external data of a model leaves its folder"),
    ("onnx", "1.21.0", "CVE-2026-27489", "external data, likewise"),
    ("onnx", "1.21.0", "CVE-2026-34445", "external data, likewise"),
    ("onnx", "1.21.0", "CVE-2026-28500", "external data, likewise"),
]
# Servers of models with holes of their own; this program runs in its user's process.
NEVER = {"ray", "nvidia-pytriton", "tritonclient", "vllm", "torchserve", "bentoml", "gradio"}


def requirements() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"]
    return [
        Requirement(text)
        for items in [PROJECT["project"]["dependencies"], *extras.values()]
        for text in items
    ]


@pytest.mark.parametrize(("name", "mended", "hole", "what"), FLOORS)
def test_versions_with_known_holes_are_not_installed(
    name: str, mended: str, hole: str, what: str
) -> None:
    why = f"{name} below {mended} has {hole}: {what}"
    asked = [item for item in requirements() if item.name == name]
    assert asked, name
    for item in asked:
        floors = [Version(part.version) for part in item.specifier if part.operator == ">="]
        assert max(floors, default=Version("0")) >= Version(mended), why
    (pin,) = re.findall(rf"^{name}==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert Version(pin) >= Version(mended), why


def test_no_server_of_models_is_a_dependency() -> None:
    assert not {item.name.lower() for item in requirements()} & NEVER


def test_pip_audit_stays_out_of_what_users_install() -> None:
    assert "pip-audit" not in {item.name for item in requirements()}
    assert re.search(r"pip-audit==\d", (ROOT / "Makefile").read_text())
