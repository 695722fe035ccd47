"""Messages to a real broker on this machine."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from actions import MqttServer, action, free_port, make_certificate, wait_until

from engine.errors import ConfigError, KwsError
from kws_app.actions.action import Message
from kws_app.actions.mqtt import Connection, require_paho
from kws_app.actions.runs import CallRun, Outcome

PATIENCE_S = 10.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MqttServer]:
    running = MqttServer(tmp_path)
    running.start()
    yield running
    running.stop()


def connection(port: int, more: str = "") -> Connection:
    deed = action(f'mqtt = "t"\nhost = "127.0.0.1"\nport = {port}\n{more}').deed
    assert isinstance(deed, Message)
    return Connection(deed.broker)


def test_messages_over_one_connection(server: MqttServer) -> None:
    sender = connection(server.port)
    with server.watched():
        for payload in ("one", "zwei ä"):
            outcome = sender.publish("kws/stop", payload, PATIENCE_S)
            assert (outcome.text, outcome.failed) == ("acknowledged", False)
        first = sender._client
        wait_until(lambda: len(server.messages) == 2)
    assert server.messages == [("kws/stop", "one", 1), ("kws/stop", "zwei ä", 1)]
    sender.publish("kws/stop", "three", PATIENCE_S)
    assert sender._client is first
    sender.close()


def test_a_broker_that_comes_back_is_connected_anew(server: MqttServer) -> None:
    sender = connection(server.port)
    sender.publish("t", "before", PATIENCE_S)
    server.stop()
    client = sender._client
    assert client is not None
    wait_until(lambda: not client.is_connected())
    with pytest.raises(ConnectionRefusedError):
        sender.publish("t", "lost", PATIENCE_S)
    server.start()
    with server.watched():
        sender.publish("t", "after", PATIENCE_S)
        wait_until(lambda: server.messages)
    sender.close()
    assert [payload for _, payload, _ in server.messages] == ["after"]  # what was lost stays lost


def test_nobody_there() -> None:
    with pytest.raises(ConnectionRefusedError):
        connection(free_port()).publish("t", "x", PATIENCE_S)


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    users = tmp_path / "users"
    users.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", str(users), "kws", "sesame"], check=True)
    server = MqttServer(tmp_path, f"allow_anonymous false\npassword_file {users}")
    server.start()
    monkeypatch.setenv("BROKER_PASSWORD", "sesame")
    try:
        who = 'username = "kws"\npassword_env = "BROKER_PASSWORD"'
        sender = connection(server.port, who)
        assert not sender.publish("t", "x", PATIENCE_S).failed
        sender.close()
        monkeypatch.setenv("BROKER_PASSWORD", "hush")
        for more in (who, 'username = "kws"', ""):
            with pytest.raises(KwsError, match=r"^the broker refused: Not authorized$"):
                connection(server.port, more).publish("t", "x", PATIENCE_S)
    finally:
        server.stop()


@pytest.fixture
def collected() -> Iterator[None]:
    """What a library leaves open is closed while its warnings are ignored."""
    yield
    gc.collect()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # paho's socket that failed
@pytest.mark.usefixtures("collected")
def test_certificates_are_verified(tmp_path: Path) -> None:
    certificate, key = make_certificate(tmp_path)
    lines = f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}"
    server = MqttServer(tmp_path, lines)
    server.start()
    try:
        with pytest.raises(OSError, match="certificate verify failed"):
            connection(server.port, "tls = true").publish("t", "x", PATIENCE_S)
        sender = connection(server.port, f'tls = true\nca_file = "{certificate}"')
        assert not sender.publish("t", "x", PATIENCE_S).failed
        sender.close()
    finally:
        server.stop()


def test_a_broker_that_does_not_answer_is_given_up(server: MqttServer) -> None:
    sender = connection(server.port)
    sender.publish("t", "x", PATIENCE_S)
    client = sender._client
    process = server._process
    assert client is not None
    assert process is not None
    process.send_signal(19)  # SIGSTOP: the connection stays, nobody is behind it
    with pytest.raises(TimeoutError, match=r"the broker did not acknowledge it within 0\.3 s"):
        sender.publish("t", "late", 0.3)
    assert not client.is_connected()  # so that it is not sent when the broker wakes up
    with pytest.raises(TimeoutError, match="the broker did not answer in time"):
        sender.publish("t", "late", 0.3)
    process.send_signal(18)
    with server.watched():
        sender.publish("t", "on time", PATIENCE_S)
        wait_until(lambda: server.messages)
    sender.close()
    assert "late" not in [payload for topic, payload, _ in server.messages[1:]]


def test_nothing_is_sent_after_the_end(server: MqttServer) -> None:
    sender = connection(server.port)
    sender.close()
    with pytest.raises(KwsError, match="not sent, since listening stopped"):
        sender.publish("t", "x", PATIENCE_S)
    assert sender._client is None


def test_a_message_waits_for_the_connection_of_another_one_only_so_long() -> None:
    sender = connection(free_port())
    sender._lock.acquire()
    run = CallRun(lambda _: sender.publish("t", "x", 0.1))
    wait_until(run.outcome)
    expected = "another message still waits for the connection"
    assert run.outcome() == Outcome(text=expected, failed=True)


def test_without_paho(monkeypatch: pytest.MonkeyPatch) -> None:
    require_paho("here")
    monkeypatch.setitem(sys.modules, "paho.mqtt.client", None)
    with pytest.raises(ConfigError, match=r"here: mqtt needs paho-mqtt; install it with pip inst"):
        require_paho("here")
