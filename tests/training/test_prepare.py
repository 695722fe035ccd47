"""Speech Commands is verified, unpacked as a whole, and split by the official lists."""

import gzip
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.errors import ConfigError, SourceError
from training import prepare as module
from training.__main__ import main
from training.prepare import ARCHIVE_SHA256, prepare_speech_commands


def wav() -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(1_600), 16_000, format="WAV")
    return file.getvalue()


def make_archive(path: Path, extra: tarfile.TarInfo | None = None) -> str:
    names = [f"./{word}/{who}_nohash_0.wav" for word in ("yes", "no") for who in "abc"]
    contents = dict.fromkeys([*names, "./_background_noise_/tap.wav"], wav())
    contents["./validation_list.txt"] = b"yes/b_nohash_0.wav\nno/b_nohash_0.wav\n"
    contents["./testing_list.txt"] = b"yes/c_nohash_0.wav\n"
    with tarfile.open(path, "w:gz") as tar:
        for name, data in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        if extra is not None:
            tar.addfile(extra)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_from_an_archive_that_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sha256 = make_archive(tmp_path / "sc.tar.gz")
    folder = tmp_path / "deep" / "sc"
    arguments = ["prepare", "speech-commands", "--to", str(folder), "--sha256", sha256]
    assert main([*arguments, "--archive", str(tmp_path / "sc.tar.gz")]) == 0
    assert capsys.readouterr().out == f"{folder}: 3 train, 2 validation, 1 test\n"
    (tmp_path / "sc.tar.gz").unlink()
    assert main(arguments) == 0  # it is whole; nothing is fetched
    assert [path.name for path in folder.parent.iterdir()] == ["sc"]


def test_another_archive_is_refused(tmp_path: Path) -> None:
    make_archive(tmp_path / "sc.tar.gz")
    with pytest.raises(SourceError, match=rf"should have {ARCHIVE_SHA256[:16]}"):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "sc.tar.gz")
    assert not (tmp_path / "sc").exists()


def test_a_cut_archive_leaves_nothing(tmp_path: Path) -> None:
    make_archive(tmp_path / "sc.tar.gz")
    data = (tmp_path / "sc.tar.gz").read_bytes()[:-200]
    (tmp_path / "sc.tar.gz").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    with pytest.raises(SourceError, match="cannot unpack"):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "sc.tar.gz", sha256=sha256)
    assert not (tmp_path / "sc").exists()


@pytest.mark.parametrize(
    ("name", "kind", "target", "message"),
    [
        ("../outside.txt", tarfile.REGTYPE, "", "lies outside of it"),
        ("./yes/../../outside.txt", tarfile.REGTYPE, "", "lies outside of it"),
        ("/outside/x.txt", tarfile.REGTYPE, "", "lies outside of it"),
        ("./link", tarfile.SYMTYPE, "/etc/passwd", "holds a link, './link'"),
        ("./link", tarfile.SYMTYPE, "yes", "holds a link"),  # inside, and still none of theirs
        ("./hard", tarfile.LNKTYPE, "../outside.txt", "holds a link"),
        ("./device", tarfile.CHRTYPE, "", "holds a device or a pipe"),
        ("./disk", tarfile.BLKTYPE, "", "holds a device or a pipe"),
        ("./pipe", tarfile.FIFOTYPE, "", "holds a device or a pipe"),
        ("./testing_list.txt/x", tarfile.REGTYPE, "", "cannot unpack"),  # below a file
        ("./" + "x" * 300, tarfile.REGTYPE, "", "cannot unpack"),
    ],
)
def test_tricks_are_refused(
    tmp_path: Path, name: str, kind: bytes, target: str, message: str
) -> None:
    extra = tarfile.TarInfo(name)
    extra.type, extra.linkname = kind, target
    sha256 = make_archive(tmp_path / "sc.tar.gz", extra)
    with pytest.raises(SourceError, match=message):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "sc.tar.gz", sha256=sha256)
    assert [path.name for path in tmp_path.iterdir()] == ["sc.tar.gz"]


def test_a_link_that_a_file_goes_through_is_refused(tmp_path: Path) -> None:
    """Older filters of tarfile can be led past by links, so no link is ever made."""
    outside = tmp_path / "outside"
    outside.mkdir()
    with tarfile.open(tmp_path / "sc.tar.gz", "w:gz") as tar:
        link = tarfile.TarInfo("yes")
        link.type, link.linkname = tarfile.SYMTYPE, str(outside)
        tar.addfile(link)
        file = tarfile.TarInfo("yes/canary")
        file.size = 1
        tar.addfile(file, io.BytesIO(b"x"))
    sha256 = hashlib.sha256((tmp_path / "sc.tar.gz").read_bytes()).hexdigest()
    with pytest.raises(SourceError, match="holds a link, 'yes'"):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "sc.tar.gz", sha256=sha256)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", ["zip", "text", "tar"])
def test_what_is_no_packed_tar_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "sc.tar.gz"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("../outside.txt", "x")
    elif kind == "tar":
        make_archive(path)
        path.write_bytes(gzip.decompress(path.read_bytes()))
    else:
        path.write_text("nothing of the kind")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(SourceError, match="cannot unpack"):
        prepare_speech_commands(tmp_path / "sc", path, sha256=sha256)
    assert [path.name for path in tmp_path.iterdir()] == ["sc.tar.gz"]


def test_an_archive_of_something_else(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass
    sha256 = hashlib.sha256((tmp_path / "empty.tar.gz").read_bytes()).hexdigest()
    with pytest.raises(SourceError, match=r"holds no testing_list.txt: it is no Speech Commands"):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "empty.tar.gz", sha256=sha256)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.tar.gz"]


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = make_archive(tmp_path / "sc.tar.gz")
    for limit, value in (("_MAX_BYTES", 5_000), ("_MAX_FILES", 5)):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, value)
            with pytest.raises(SourceError, match="unpacks to more than"):
                prepare_speech_commands(tmp_path / "sc", tmp_path / "sc.tar.gz", sha256=sha256)
        assert [path.name for path in tmp_path.iterdir()] == ["sc.tar.gz"]


def test_folders_and_archives_that_do_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(ConfigError, match="is not empty and no Speech Commands"):
        prepare_speech_commands(tmp_path / "mine")
    with pytest.raises(SourceError, match=r"archive .*gone does not exist"):
        prepare_speech_commands(tmp_path / "sc", tmp_path / "gone")
    monkeypatch.setattr(module, "ARCHIVE_URL", "http://127.0.0.1:9/sc.tar.gz")
    with pytest.raises(SourceError, match="bring the file from a machine with network"):
        prepare_speech_commands(tmp_path / "sc")
