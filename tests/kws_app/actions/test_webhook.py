"""Requests to a real server on this machine."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from actions import (
    PATIENCE_S,
    Server,
    action,
    free_port,
    make_certificate,
    occasion,
    wait_until,
    web_server,
)

from kws_app import __version__
from kws_app.actions.action import Webhook
from kws_app.actions.runs import CallRun, Line, Outcome
from kws_app.actions.webhook import call_webhook


@pytest.fixture
def server() -> Iterator[Server]:
    with web_server() as running:
        yield running


def call(address: str, more: str = "", timeout_s: float = 20) -> Outcome:
    deed = action(f'webhook = "{address}"\n{more}').deed
    assert isinstance(deed, Webhook)
    return call_webhook(deed, occasion(), timeout_s, Line())


def test_what_is_sent(server: Server) -> None:
    got = call(f"http://{server.address}/x/y?z=1")
    assert got == Outcome(text="HTTP 204 No Content", failed=False)
    (request,) = server.requests
    assert (request["method"], request["path"]) == ("POST", "/x/y?z=1")
    assert request["body"] == {
        "keyword": "stop",
        "score": 0.9375,
        "time_s": 1.5,
        "threshold": 0.75,
    }
    assert request["headers"]["Content-Type"] == "application/json"
    assert request["headers"]["User-Agent"] == f"kws/{__version__}"


def test_headers_of_ones_own(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "Bearer sesame")
    (tmp_path / "key").write_text("open\n")
    call(
        f"http://{server.address}",
        f"""
        headers = {{ "content-type" = "text/json", Authorization = {{ env = "HOOK_TOKEN" }},
                     X-Key = {{ file = "{tmp_path / "key"}" }} }}
        """.replace("\n", " "),
    )
    headers = server.requests[0]["headers"]
    assert headers["Content-Type"] == "text/json"
    assert headers["Authorization"] == "Bearer sesame"
    assert headers["X-Key"] == "open"
    assert server.requests[0]["path"] == "/"


def test_get_has_no_body(server: Server) -> None:
    call(f"http://{server.address}/x", 'method = "GET"')
    (request,) = server.requests
    assert (request["method"], request["body"]) == ("GET", None)
    assert "Content-Type" not in request["headers"]


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (200, "HTTP 200 OK"),
        (299, "HTTP 299"),
        (404, "HTTP 404 Not Found"),
        (500, "HTTP 500 Internal Server Error"),
    ],
)
def test_answers(server: Server, status: int, text: str) -> None:
    server.status = status
    assert call(f"http://{server.address}") == Outcome(text=text, failed=status >= 300)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Server, status: int) -> None:
    with web_server() as elsewhere:
        server.status = status
        server.answer_headers = {"Location": f"http://{elsewhere.address}/"}
        got = call(f"http://{server.address}", 'headers = { Authorization = "sesame" }')
        assert got.failed
        assert got.text.startswith(f"HTTP {status} ")
        assert got.text.endswith("redirects are not followed, write the address it leads to")
        assert elsewhere.requests == []


def test_proxies_of_the_environment_are_not_asked(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web_server() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://{proxy.address}")
        call(f"http://{server.address}")
        assert (len(server.requests), proxy.requests) == (1, [])


def test_nobody_there() -> None:
    with pytest.raises(ConnectionRefusedError):
        call(f"http://127.0.0.1:{free_port()}")


def test_no_answer(server: Server) -> None:
    server.may_answer.clear()
    with pytest.raises(TimeoutError):
        call(f"http://{server.address}", timeout_s=0.2)


def test_it_can_be_cut_off(server: Server) -> None:
    server.may_answer.clear()
    deed = action(f'webhook = "http://{server.address}"').deed
    assert isinstance(deed, Webhook)
    run = CallRun(lambda line: call_webhook(deed, occasion(), 600, line))
    wait_until(lambda: server.requests)
    run.end()
    wait_until(run.outcome)
    assert not server.may_answer.is_set()


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        hung_up = threading.Event()

        def answer() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    connection.sendall(b"x" * 65_536)
            hung_up.set()

        threading.Thread(target=answer, daemon=True).start()
        deed = action(f'webhook = "http://127.0.0.1:{listening.getsockname()[1]}"').deed
        assert isinstance(deed, Webhook)
        run = CallRun(lambda line: call_webhook(deed, occasion(), 600, line))
        try:
            wait_until(run.outcome)
        finally:
            run.end()
        assert run.outcome() == Outcome(text="HTTP 200 OK", failed=False)
        assert hung_up.wait(PATIENCE_S)


def test_certificates_are_verified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path)
    with web_server(certificate) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            call(f"https://{server.address}")
        assert server.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        assert call(f"https://{server.address}").text == "HTTP 204 No Content"
