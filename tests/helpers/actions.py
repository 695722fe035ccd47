"""Actions as a person writes them, and what they meet: detections, a web server, a broker."""

import contextlib
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.types import Detection
from kws_app.actions.action import Action, Occasion
from kws_app.actions.tables import read_actions

RATE_HZ = 16_000
PATIENCE_S = 20


def read(text: str) -> tuple[Action, ...]:
    """The actions of a settings file "kws.toml" with this text."""
    return read_actions(tomllib.loads(text)["action"], Path("kws.toml"))


def action(text: str) -> Action:
    """One action for every keyword and without cooldown, unless the text says otherwise."""
    lines = ["[[action]]", text]
    if "keyword =" not in text:
        lines.append('keyword = "*"')
    if "cooldown_s" not in text:
        lines.append("cooldown_s = 0")
    return read("\n".join(lines))[0]


def detection(keyword: str = "stop", time_s: float = 1.5, score: float = 0.9375) -> Detection:
    return Detection(
        keyword=keyword, score=score, threshold=0.75, end_sample=round(time_s * RATE_HZ)
    )


def occasion(keyword: str = "stop", time_s: float = 1.5, score: float = 0.9375) -> Occasion:
    return Occasion(detection=detection(keyword, time_s, score), time_s=time_s)


def wait_until(condition: Callable[[], Any]) -> None:
    """Return when it holds; fail when it never does."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.01)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


class Server(http.server.ThreadingHTTPServer):
    """Keeps what it is asked, and answers as it was told."""

    daemon_threads = True

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status = 204
        self.answer_headers: dict[str, str] = {}
        self.may_answer = threading.Event()
        self.may_answer.set()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Those who hang up are part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65_537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append(
            {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers),
                "body": json.loads(body) if body else None,
            }
        )
        self.server.may_answer.wait(3 * PATIENCE_S)
        self.send_response(self.server.status)
        for name, value in self.server.answer_headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def web_server(certificate: tuple[Path, Path] | None = None) -> Iterator[Server]:
    """A server on this machine; https with a certificate and key."""
    server = Server()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


class MqttServer:
    """A mosquitto of its own on this machine, and what was published to it."""

    def __init__(self, folder: Path, lines: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self.messages: list[tuple[str, str, int]] = []
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nuser root\npersistence false\n{lines}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        if program is None:
            pytest.skip("mosquitto is not installed")
        self._process = subprocess.Popen(
            [program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @contextlib.contextmanager
    def watched(self, username: str | None = None, password: str | None = None) -> Iterator[None]:
        """Keep every message in `messages` meanwhile."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        ready = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_connect = lambda *_: client.subscribe("#", 1)
        client.on_subscribe = lambda *_: ready.set()
        client.on_message = lambda _client, _data, message: self.messages.append(
            (message.topic, message.payload.decode(), message.qos)
        )
        if username is not None:
            client.username_pw_set(username, password)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        assert ready.wait(PATIENCE_S)
        try:
            yield
        finally:
            client.disconnect()
            client.loop_stop()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False
