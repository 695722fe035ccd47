"""The systemd unit is one that systemd takes, and that starts this program as it is."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import ROOT

from kws_app.resources import asset

UNIT = asset("kws.service")
WORST_EXPOSURE = 59  # tenths; 100 is a service without any protection

analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


@pytest.fixture
def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return parser["Service"]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """As docs/service.md installs it."""
    path = tmp_path / "kws.service"
    path.write_text(UNIT.read_text().replace("/opt/kws/.venv/bin/python", sys.executable))
    return path


def run(tmp_path: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
    )


@analyze
def test_systemd_takes_it(installed: Path, tmp_path: Path) -> None:
    done = run(tmp_path, "verify", "--user", installed)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@analyze
def test_systemd_would_name_what_is_wrong(installed: Path, tmp_path: Path) -> None:
    text = installed.read_text()
    installed.write_text(text.replace("ProtectSystem=strict", "ProtectSistem=strict"))
    assert "ProtectSistem" in run(tmp_path, "verify", "--user", installed).stderr


@analyze
def test_it_is_kept_apart(installed: Path, tmp_path: Path) -> None:
    check = ("security", "--offline=true", f"--threshold={WORST_EXPOSURE}", "--no-pager")
    done = run(tmp_path, *check, installed)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    installed.write_text(installed.read_text().partition("NoNewPrivileges")[0])
    assert run(tmp_path, *check, installed).returncode != 0


def test_it_starts_this_program(service: configparser.SectionProxy) -> None:
    python, *arguments = service["ExecStart"].split()
    assert python == "/opt/kws/.venv/bin/python"
    assert arguments[:3] == ["-m", "kws_app", "--headless"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 10  # windows are scored every tenth of a second
    done = subprocess.run(
        [sys.executable, *arguments[:-1], "/dev/null", "--print-config"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_it_is_not_started_again_with_what_stays_wrong(service: configparser.SectionProxy) -> None:
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"].split() == ["2", "4"]


def test_the_page_names_the_file() -> None:
    page = (ROOT / "docs" / "service.md").read_text()
    assert "assets/kws.service" in page
    for option in ("ReadWritePaths=", "RestrictAddressFamilies=AF_UNIX"):
        assert option in page
