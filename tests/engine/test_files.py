"""Files of unknown origin are read as files: no link, no pipe, no device, never too much."""

import os
import tracemalloc
from pathlib import Path

import pytest

from engine.files import create_plain_file, read_plain_file


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_plain_file(path, 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 4 bytes"):
        read_plain_file(path, 4)


def test_reading_takes_the_room_of_the_file_and_not_of_its_limit(tmp_path: Path) -> None:
    """Else a model that is loaded beside it, in bounded memory, would leave none."""
    (tmp_path / "file").write_bytes(b"some")
    tracemalloc.start()
    try:
        assert read_plain_file(tmp_path / "file", 1 << 30) == b"some"
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_link_is_followed_on_demand_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="links are not followed"):
        read_plain_file(tmp_path / "link", 10)
    assert read_plain_file(tmp_path / "link", 10, follow_links=True) == b"1"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is no plain file"):
        read_plain_file(tmp_path / "pipe", 10)


def test_a_device_that_never_ends_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zeros").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="it is no plain file"):
        read_plain_file(tmp_path / "zeros", 10, follow_links=True)


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_what_no_file_can_be_called(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="no file can be called so"):
        read_plain_file(tmp_path / name, 10)


def test_a_link_that_waits_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "aside").symlink_to(tmp_path / "mine")
    with create_plain_file(tmp_path / "aside", 0o600) as file:
        file.write(b"new")
    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "aside").read_bytes() == b"new"
    assert (tmp_path / "aside").lstat().st_mode & 0o777 == 0o600
