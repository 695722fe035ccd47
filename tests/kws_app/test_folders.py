"""The window's own folders are nobody else's."""

import os
import warnings
from pathlib import Path

import pytest

from engine.errors import KwsError
from kws_app import folders
from kws_app.folders import log_file, make_private, runtime_folder, settings_file


def test_the_platform_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "XDG_RUNTIME_DIR").mkdir(mode=0o700)
    assert settings_file() == tmp_path / "XDG_CONFIG_HOME" / "kws" / "settings.toml"
    assert log_file() == tmp_path / "XDG_STATE_HOME" / "kws" / "log" / "kws.log"
    assert runtime_folder() == tmp_path / "XDG_RUNTIME_DIR" / "kws"


def test_no_word_about_a_session_without_a_runtime_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert runtime_folder().name == "kws"


def test_no_runtime_folder_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Path:
        raise PermissionError("it is a link")

    monkeypatch.setattr(folders.platformdirs, "user_runtime_path", refuse)
    with pytest.raises(KwsError, match="no folder for the lock: it is a link; set XDG"):
        runtime_folder()


def test_a_folder_is_made_and_closed(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    make_private(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.getuid()
    monkeypatch.setattr(folders.os, "getuid", lambda: own + 1)
    with pytest.raises(KwsError, match="belongs to another user; remove it or set XDG_RUNTIME_DIR"):
        make_private(tmp_path)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KwsError, match=r"cannot use .*file/kws: Not a directory"):
        make_private(tmp_path / "file" / "kws")
