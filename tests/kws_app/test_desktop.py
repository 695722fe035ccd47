"""The entry in the desktop's menu starts this installation."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest
from program import run as run_program

from engine.errors import ConfigError, KwsError
from kws_app import desktop
from kws_app.desktop import data_folder, entry, program, run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return tmp_path


def fields(text: str) -> dict[str, str]:
    file = configparser.ConfigParser(interpolation=None)
    file.optionxform = str  # type: ignore[assignment, method-assign]
    file.read_string(text)
    return dict(file["Desktop Entry"])


def test_there_and_gone_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = (
        folder / "applications" / "kws.desktop",
        (folder / "icons" / "hicolor" / "scalable" / "apps" / "kws.svg"),
    )
    for _ in range(2):
        run([])
        assert capsys.readouterr().out == "".join(f"written: {path}\n" for path in written)
    assert fields(written[0].read_text())["Icon"] == written[1].stem
    assert written[1].read_text().startswith("<svg")
    for told in ("removed", "not there"):
        run(["--remove"])
        assert capsys.readouterr().out == "".join(f"{told}: {path}\n" for path in written)
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_as_a_command(tmp_path: Path) -> None:
    done = run_program("desktop", XDG_DATA_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "applications" / "kws.desktop").exists()
    assert run_program("desktop", "--odd").returncode == 2


def test_the_entry() -> None:
    given = fields(entry(["/usr/bin/kws"]))
    assert given["Exec"] == '"/usr/bin/kws"'
    assert given["Type"] == "Application"
    assert given["Terminal"] == "false"


def test_odd_paths() -> None:
    command = fields(entry(['/a b/"c"\\$d/50%', "-m"]))["Exec"]
    unescaped = command.replace("\\\\", "\\").replace("%%", "%")
    # Inside quotes the specification follows the shell.
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {unescaped}"], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ['/a b/"c"\\$d/50%', "-m"]
    assert "50%%" in command


def test_the_command_is_this_installations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    monkeypatch.setattr(sys, "executable", str(python))
    assert program() == [str(python), "-m", "kws_app"]
    (tmp_path / "kws").touch()
    assert program() == [str(tmp_path / "kws")]


def test_where_desktops_look() -> None:
    assert data_folder({"XDG_DATA_HOME": "/data"}) == Path("/data")
    for variables in ({}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}):
        assert data_folder(variables) == Path.home() / ".local" / "share"


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "applications").touch()
    with pytest.raises(KwsError, match=r"cannot change .*kws.desktop: (File exists|Not a dir)"):
        run([])


def test_wrong_arguments_and_missing_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="unrecognized arguments: --odd; --help lists"):
        run(["--odd"])
    monkeypatch.setattr(desktop, "asset", lambda name: folder / name)
    with pytest.raises(KwsError, match=r"cannot read .*kws.desktop: No such file.*install kws ag"):
        run([])
