"""Downloads are verified, resumed, and never half there."""

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from engine.errors import SourceError
from training import download as module
from training.download import Download, fetch_file, fetch_json

CONTENT = bytes(range(256)) * 4_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, by ranges too; may break off early."""

    break_after: ClassVar[int | None] = None
    ranges: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        Handler.ranges.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        first = int(wanted.split("=")[1].rstrip("-")) if wanted else 0
        if first >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[first:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if Handler.break_after is None else body[: Handler.break_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.break_after, Handler.ranges = None, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def download(server: str, folder: Path, **hashes: str) -> Download:
    hashes = hashes or {"sha256": hashlib.sha256(CONTENT).hexdigest()}
    return Download(url=f"{server}/file", path=folder / "deep" / "file.bin", **hashes)


def test_a_file_is_fetched_once(server: str, tmp_path: Path) -> None:
    wanted = download(server, tmp_path)
    assert fetch_file(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert not fetch_file(wanted)
    assert len(Handler.ranges) == 1
    assert list(wanted.path.parent.iterdir()) == [wanted.path]


def test_a_broken_download_goes_on(
    server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = download(server, tmp_path)
    Handler.break_after = 300_000
    with pytest.raises(SourceError, match=r"cannot fetch .*/file: .*run the command again"):
        fetch_file(wanted)
    assert not wanted.path.exists()
    Handler.break_after = None
    assert fetch_file(wanted)
    assert wanted.path.read_bytes() == CONTENT
    assert Handler.ranges[0] is None
    assert Handler.ranges[1].startswith("bytes=")
    assert f"file.bin: {len(CONTENT)} of {len(CONTENT)} bytes, 100%" in capsys.readouterr().err


def test_other_content_is_refused_and_not_kept(server: str, tmp_path: Path) -> None:
    wanted = download(server, tmp_path, sha256="ab" * 32)
    with pytest.raises(SourceError, match=r"should have abababab.*fetch it again"):
        fetch_file(wanted)
    assert list(wanted.path.parent.iterdir()) == []


def test_a_file_that_was_there_is_verified(server: str, tmp_path: Path) -> None:
    wanted = download(server, tmp_path)
    wanted.path.parent.mkdir()
    wanted.path.write_bytes(b"something else")
    with pytest.raises(SourceError, match="damaged or was replaced"):
        fetch_file(wanted)
    assert wanted.path.read_bytes() == b"something else"


def test_a_whole_partial_file_is_taken(server: str, tmp_path: Path) -> None:
    wanted = download(server, tmp_path)
    wanted.path.parent.mkdir()
    wanted.path.with_name("file.bin.partial").write_bytes(CONTENT)
    assert fetch_file(wanted)
    assert wanted.path.read_bytes() == CONTENT


def test_git_hashes_and_heads_of_hashes_verify_too(server: str, tmp_path: Path) -> None:
    blob = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT, usedforsecurity=False).hexdigest()
    head = hashlib.sha256(CONTENT).hexdigest()[:8]
    assert fetch_file(download(server, tmp_path / "a", git_blob=blob))
    assert fetch_file(download(server, tmp_path / "b", sha256=head))
    with pytest.raises(SourceError, match="has hash"):
        fetch_file(download(server, tmp_path / "c", git_blob="ab" * 20))
    with pytest.raises(SourceError, match="has hash"):
        fetch_file(download(server, tmp_path / "d", sha256=""))


def test_without_network_it_says_what_to_do(server: str, tmp_path: Path) -> None:
    for url in (f"{server}/missing", "http://127.0.0.1:9/nobody"):
        with pytest.raises(SourceError, match=r"cannot fetch http.*bring the file from a machine"):
            fetch_file(Download(url=url, path=tmp_path / "x", sha256="00"))
        with pytest.raises(SourceError, match="cannot fetch http"):
            fetch_json(url, "name the folder instead")


def test_more_than_any_file_has_is_not_kept(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", len(CONTENT) - 1)
    with pytest.raises(SourceError, match="it sends more than"):
        fetch_file(download(server, tmp_path))


def test_an_answer_that_is_no_json(server: str) -> None:
    with pytest.raises(SourceError, match="did not answer with JSON"):
        fetch_json(f"{server}/file", "")
