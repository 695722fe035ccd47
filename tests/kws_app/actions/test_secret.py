"""Secrets are read where they are, and their text is in no message."""

from pathlib import Path

import pytest

from engine.errors import ConfigError
from kws_app.actions.secret import Secret


def test_from_a_variable_and_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER", "sesame ä")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_text("open\r\n")
    assert Secret(place="here", variable="BROKER").read() == "sesame ä"
    assert Secret(place="here", path=str(tmp_path / "secret")).read() == "open"
    assert Secret(place="here", path="~/secret").read() == "open"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"here: cannot read .*secret: No such file or directory"),
        (b"\n", "here: file .*secret is empty; put the secret into it"),
        (b"hush\nhush", "here: file .*secret holds more than one line, or control characters"),
        (b"hush\xff", "here: .*secret is not UTF-8 text"),
    ],
    ids=["missing", "empty", "two lines", "bytes"],
)
def test_files(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as err:
        Secret(place="here", path=str(path)).read()
    assert "hush" not in str(err.value)
    assert not isinstance(err.value.__cause__, UnicodeDecodeError)  # it holds the text


def test_a_home_that_nobody_has() -> None:
    with pytest.raises(ConfigError, match=r"here: ~no-such-person/x names no home directory"):
        Secret(place="here", path="~no-such-person/x").read()


def test_a_variable_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKER", raising=False)
    with pytest.raises(ConfigError, match="here: environment variable BROKER is not set; export"):
        Secret(place="here", variable="BROKER").read()


def test_a_working_folder_that_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    with pytest.raises(ConfigError, match="here: cannot read secret: No such file"):
        Secret(place="here", path="secret").read()
