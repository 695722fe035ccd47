"""Looks every pinned and every installed package up among the known vulnerabilities (make audit).

pip-audit alone passes where it finds no service or the service does not know a package. Here that
is a failure: what was not looked up is not safe.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

_PIN = re.compile(r"^([\w.-]+)==([\w.!]+)", re.MULTILINE)
_SHOWN = 5


def pinned(constraints: Path) -> dict[str, str]:
    """Name to version of a file of pins."""
    return dict(_PIN.findall(constraints.read_text()))


def installed() -> dict[str, str]:
    """Name to version of what is installed beside this, but for this program."""
    found = {item.name: item.version.partition("+")[0] for item in distributions()}
    found.pop("kws", None)
    return found


def audit(command: list[str], packages: set[tuple[str, str]]) -> tuple[int, list[str]]:
    """Ask pip-audit.

    Args:
        command: Runs it.
        packages: Names and versions.

    Returns:
        Exit status (0: none is known to be vulnerable, 1: some are, 2: it was not found out), and
        what to print.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "requirements.txt"
        # One file holds one version of a package; what is installed may differ from the pins.
        found: list[dict[str, Any]] = []
        for batch in _batches(packages):
            wanted.write_text("".join(f"{name}=={version}\n" for name, version in batch))
            options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json"]
            done = subprocess.run(
                [*command, *options, "-r", str(wanted)], capture_output=True, text=True, check=False
            )
            try:
                found += json.loads(done.stdout)["dependencies"]
            except (ValueError, KeyError, TypeError):
                lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
                return 2, [f"audit: nothing was audited, no answer from a service: {lines[-1]}"]
    return _judged(found, packages)


def _judged(found: list[dict[str, Any]], packages: set[tuple[str, str]]) -> tuple[int, list[str]]:
    answered = {(item["name"].lower(), item["version"]) for item in found if "vulns" in item}
    unknown = sorted(f"{name} {v}" for name, v in packages if (_plain(name), v) not in answered)
    lines = [
        f"audit: {item['name']} {item['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for item in found
        for vulnerability in item.get("vulns", [])
    ]
    status = 1 if lines else 0
    if unknown:
        status = 2
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        lines.append(
            f"audit: {len(unknown)} of {len(packages)} packages were not found by the service, so "
            f"nothing is known of them: {', '.join(unknown[:_SHOWN])}{more}"
        )
    return status, lines or [f"audit: {len(packages)} packages, none with a known vulnerability"]


def _batches(packages: set[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Each package at most once in each."""
    batches: list[dict[str, str]] = []
    for name, version in sorted(packages):
        free = next((batch for batch in batches if name not in batch), None)
        if free is None:
            free = {}
            batches.append(free)
        free[name] = version
    return [list(batch.items()) for batch in batches]


def _plain(name: str) -> str:
    """As PyPI spells it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Audit the pins of the file named first with the command that follows."""
    pins = {(_plain(name), v) for name, v in pinned(Path(sys.argv[1])).items()}
    here = {(_plain(name), v) for name, v in installed().items()}
    status, lines = audit(sys.argv[2:], pins | here)
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
