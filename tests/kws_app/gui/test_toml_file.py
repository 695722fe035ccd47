"""Single keys change; what a person wrote around them stays."""

import os
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_of_at_most

from engine.errors import ConfigError
from kws_app.gui import toml_file
from kws_app.gui.toml_file import Changes, read_toml, save_toml

WRITTEN = """\
# my settings
smoothing = 4   # as on the wall
keywords = [
    "yes",      # most of all
    "no",
]

[window]
theme = "dark"  # at night

[threshold]  # by ear
yes = 0.80
no = 9e-1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(WRITTEN)
    return file


def save(path: Path, changes: Changes) -> None:
    save_toml(path, changes, lambda _: None)


def test_nothing_else_changes(path: Path) -> None:
    save(path, {("smoothing",): 5, ("window", "theme"): "light", ("threshold", "no"): 0.95})
    wanted = WRITTEN.replace("smoothing = 4", "smoothing = 5").replace('"dark"', '"light"')
    assert path.read_text() == wanted.replace("9e-1", "0.95")


def test_new_keys_go_where_they_belong(path: Path) -> None:
    save(path, {("refractory",): 0.5, ("window", "geometry"): "AAE=", ("threshold", "stop"): 0.7})
    assert tomllib.loads(path.read_text()) == {
        "smoothing": 4,
        "keywords": ["yes", "no"],
        "refractory": 0.5,
        "window": {"theme": "dark", "geometry": "AAE="},
        "threshold": {"yes": 0.8, "no": 0.9, "stop": 0.7},
    }
    for line in WRITTEN.splitlines():
        assert line in path.read_text().splitlines()


def test_removal(path: Path) -> None:
    save(path, {("smoothing",): None, ("threshold", "no"): None, ("rate",): None})
    assert path.read_text() == WRITTEN.replace("smoothing = 4   # as on the wall\n", "").replace(
        "no = 9e-1\n", ""
    )
    save(path, {("threshold",): None, ("threshold", "no"): None})
    assert set(tomllib.loads(path.read_text())) == {"keywords", "window"}


@pytest.mark.parametrize(
    "text", ['threshold = ["yes=0.8", "no=0.9"]', 'threshold = "yes=0.8,no=0.9"']
)
def test_thresholds_written_as_a_list_become_a_table(path: Path, text: str) -> None:
    path.write_text(f"{text}\nsmoothing = 3\n")
    save(path, {("threshold", "no"): 0.5})
    assert read_toml(path) == {"threshold": {"yes": 0.8, "no": 0.5}, "smoothing": 3}


@pytest.mark.parametrize(
    "text",
    [
        "threshold.yes = 0.8\nthreshold.no = 0.9\n",
        "threshold = {yes = 0.8, no = 0.9}\n[window]\n",
        "[threshold]\r\nyes = 0.8 # \u00e4\r\nno = 0.9",
    ],
)
def test_other_ways_to_write_a_table(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
    save(path, {("threshold", "no"): 0.5, ("threshold", "up"): 0.6, ("smoothing",): 2})
    got = read_toml(path)
    assert got["threshold"] == {"yes": 0.8, "no": 0.5, "up": 0.6}
    assert got["smoothing"] == 2
    if "\r\n" in text:
        assert "yes = 0.8 # \u00e4\r\n" in path.read_bytes().decode()


def test_a_new_file_for_one_person_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "settings.toml"
    assert read_toml(path) == {}
    old = os.umask(0)
    try:
        save(path, {("window", "theme"): "dark", ("smoothing",): 3})
    finally:
        os.umask(old)
    assert path.read_text().startswith("# Settings of kws.")
    assert read_toml(path) == {"window": {"theme": "dark"}, "smoothing": 3}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_stays_one(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.toml"
    link.parent.mkdir()
    link.symlink_to(path)
    save(link, {("smoothing",): 7})
    assert link.is_symlink()
    assert read_toml(path)["smoothing"] == 7
    assert [item.name for item in link.parent.iterdir()] == ["link.toml"]


@pytest.mark.parametrize("damage", [b"smoothing = ", b"\xff", b"a = 1\na = 2\n"])
def test_a_damaged_file_stays(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    with pytest.raises(ConfigError, match=r"settings.toml is not valid TOML"):
        save(path, {("smoothing",): 5})
    with pytest.raises(ConfigError, match=r"settings.toml is not valid TOML"):
        read_toml(path)
    assert path.read_bytes() == damage


def test_values_are_checked_before_and_afterwards(path: Path) -> None:
    seen = []

    def refuse(wrong: int, values: dict[str, Any]) -> None:
        seen.append(values["smoothing"])
        if values["smoothing"] == wrong:
            raise ConfigError("no")

    for wrong in (4, 5):
        with pytest.raises(ConfigError, match="no"):
            save_toml(path, {("smoothing",): 5}, partial(refuse, wrong))
    assert seen == [4, 4, 5]
    assert path.read_text() == WRITTEN


def test_what_would_be_written_is_read_back_first(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml_file.tomlkit, "dumps", lambda document: "smoothing = 6\n")
    with pytest.raises(ConfigError, match="is laid out so that it cannot be changed; change it by"):
        save(path, {("smoothing",): 5})
    assert path.read_text() == WRITTEN


def test_a_layout_that_tomlkit_refuses(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(text: str) -> None:
        raise toml_file.tomlkit.exceptions.TOMLKitError("odd")

    monkeypatch.setattr(toml_file.tomlkit, "parse", refuse)
    with pytest.raises(ConfigError, match="cannot be changed: odd; change it by hand"):
        save(path, {("smoothing",): 5})


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    with (
        files_of_at_most(100),
        pytest.raises(ConfigError, match=r"cannot write .*: File too large"),
    ):
        save(path, {("smoothing",): 5})
    assert path.read_text() == WRITTEN
    assert [item.name for item in path.parent.iterdir()] == ["settings.toml"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"cannot read .*: Not a directory"):
        save(tmp_path / "file" / "settings.toml", {("smoothing",): 5})
    monkey = tmp_path / "file" / "x"
    with pytest.raises(ConfigError, match="Not a directory"):
        read_toml(monkey)


def test_it_is_on_the_disk_before_it_gets_its_name(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (done.append("sync"), sync(fd)))
    monkeypatch.setattr(Path, "replace", lambda *a: (done.append("name"), replace(*a))[1])
    save(path, {("smoothing",): 5})
    assert done == ["sync", "name", "sync"]
