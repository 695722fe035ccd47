"""`make audit` passes only where every package was looked up and none is vulnerable."""

import json
import sys
from pathlib import Path

import pytest
from audit import audit, installed, pinned
from program import ROOT

PACKAGES = {("numpy", "2.4.6"), ("torch", "2.13.0"), ("torch", "2.9.0")}


def pip_audit(tmp_path: Path, answers: dict[str, object] | None, said: str = "") -> list[str]:
    """A program that answers for the packages in its last argument."""
    script = tmp_path / "pip_audit.py"
    script.write_text(
        "import json, sys\n"
        f"answers = {answers!r}\n"
        f"sys.stderr.write({said!r})\n"
        "if answers is None: sys.exit(1)\n"
        "pairs = [line.split('==') for line in open(sys.argv[-1]).read().split()]\n"
        "print(json.dumps({'dependencies': [\n"
        "    {'name': n, 'version': v, **answers.get(f'{n} {v}', {'vulns': []})}\n"
        "    for n, v in pairs]}))\n"
    )
    return [sys.executable, str(script)]


def test_all_are_known_and_none_is_vulnerable(tmp_path: Path) -> None:
    status, lines = audit(pip_audit(tmp_path, {}), PACKAGES)
    assert (status, lines) == (0, ["audit: 3 packages, none with a known vulnerability"])


def test_a_vulnerable_one_is_named(tmp_path: Path) -> None:
    vulns = [{"id": "CVE-2026-24747", "fix_versions": ["2.10.0"]}]
    status, lines = audit(pip_audit(tmp_path, {"torch 2.9.0": {"vulns": vulns}}), PACKAGES)
    assert (status, lines) == (1, ["audit: torch 2.9.0: CVE-2026-24747, mended in 2.10.0"])


def test_what_was_not_looked_up_fails(tmp_path: Path) -> None:
    answers = {"numpy 2.4.6": {"skip_reason": "Dependency not found"}}
    status, lines = audit(pip_audit(tmp_path, answers), PACKAGES)
    assert status == 2
    assert "1 of 3 packages were not found by the service" in lines[0]
    assert lines[0].endswith("numpy 2.4.6")


@pytest.mark.parametrize("said", ["trace\nConnectionError: cannot resolve", ""])
def test_without_a_service_it_fails_with_one_line(tmp_path: Path, said: str) -> None:
    status, lines = audit(pip_audit(tmp_path, None, said), PACKAGES)
    assert status == 2
    (line,) = lines
    assert line.startswith("audit: nothing was audited, no answer from a service: ")
    assert line.endswith("cannot resolve" if said else "status 1")


def test_what_is_asked_about() -> None:
    assert pinned(ROOT / "constraints.txt")["torch"]
    assert "kws" not in installed()
    assert "+" not in "".join(installed().values())
    assert json.dumps(installed())
